/** A map whose readers are told of its changes a few times a second, however many there are. */

/** The shortest time between two renewals of what is shown, in milliseconds. */
const PAUSE_MS = 100;

export class CoalescedMap<K, V> {
  private items = new Map<K, V>();
  private version = $state(0);
  private toldAt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  get(key: K): V | undefined {
    void this.version;
    return this.items.get(key);
  }

  has(key: K): boolean {
    void this.version;
    return this.items.has(key);
  }

  values(): IterableIterator<V> {
    void this.version;
    return this.items.values();
  }

  entries(): IterableIterator<[K, V]> {
    void this.version;
    return this.items.entries();
  }

  set(key: K, value: V) {
    this.items.set(key, value);
    this.tell();
  }

  clear() {
    this.items.clear();
    this.tell();
  }

  private tell() {
    if (this.timer !== undefined) return;
    const now = Date.now();
    if (now - this.toldAt >= PAUSE_MS) return this.renew(now);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.renew(Date.now());
    }, this.toldAt + PAUSE_MS - now);
  }

  private renew(now: number) {
    this.toldAt = now;
    this.version += 1;
  }
}
