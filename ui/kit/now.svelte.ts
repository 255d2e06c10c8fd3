/** The time, which moves on each second, so that what shows it stays right. */

let time = $state(Date.now());
setInterval(() => (time = Date.now()), 1_000);

export function now(): number {
  return time;
}
