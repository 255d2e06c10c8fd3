/** Sound and desktop notifications, which are off until the reader turns them on in this browser. */

export const ALERTS = ["sound", "notification"] as const;
export type Alert = (typeof ALERTS)[number];

/** Two sounds are at least this far apart, in milliseconds. */
const QUIET_MS = 2_000;
let soundedAt = 0;
let audio: AudioContext | undefined;

const kept = (alert: Alert) => `verbatim.${alert}`;

export function isOn(alert: Alert): boolean {
  if (localStorage.getItem(kept(alert)) !== "on") return false;
  return alert === "sound" || (typeof Notification === "function" && Notification.permission === "granted");
}

/** Turns an alert on or off. Answers whether it is on: the browser may refuse notifications. */
export async function turn(alert: Alert, on: boolean): Promise<boolean> {
  localStorage.setItem(kept(alert), on ? "on" : "off");
  if (!on) return false;
  if (alert === "sound") sound();
  else if (typeof Notification === "function") await Notification.requestPermission();
  return isOn(alert);
}

/** A short tone of two notes. */
function sound() {
  if (Date.now() - soundedAt < QUIET_MS) return;
  soundedAt = Date.now();
  audio ??= new AudioContext();
  const begin = audio.currentTime;
  for (const [index, hertz] of [660, 880].entries()) {
    const [tone, volume] = [audio.createOscillator(), audio.createGain()];
    const from = begin + index * 0.12;
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0.15, from);
    volume.gain.exponentialRampToValueAtTime(0.001, from + 0.25);
    tone.connect(volume).connect(audio.destination);
    tone.start(from);
    tone.stop(from + 0.25);
  }
}

/** Alerts the reader in the ways that are on. Of one `tag` only the newest notification is shown. */
export function alertReader(title: string, body: string, tag: string, open: () => void) {
  if (isOn("sound")) sound();
  if (!isOn("notification")) return;
  const notification = new Notification(title, { body, tag });
  notification.onclick = () => {
    window.focus();
    notification.close();
    open();
  };
}
