/** The views that the caller sees, their counts, and the conversations of the one that is shown. */
import type { Desk, Row } from "./desk.svelte";
import type { SavedView } from "./filter";

export type Count = { count: number; has_more: boolean };

/** The shortest time between two fetches of the same, in milliseconds, however many pushes there are. */
const PAUSE_MS = 1_000;
/** Conditions count back from now: a conversation can come into a view without a push, or leave it. */
const AGAIN_MS = 30_000;
const PAGE = 100;

/** Runs a fetch at once, or after the pause, and once more when something changed meanwhile. */
class Fetching {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isRunning = false;
  private isWanted = false;

  constructor(private run: () => Promise<void>) {}

  want(pause = PAUSE_MS) {
    this.isWanted = true;
    if (!this.isRunning) this.timer ??= setTimeout(() => this.begin(), pause);
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.isWanted = false;
  }

  private async begin() {
    this.timer = undefined;
    [this.isRunning, this.isWanted] = [true, false];
    // What was not fetched is fetched when something changes, or after a while.
    await this.run().catch(() => undefined);
    this.isRunning = false;
    if (this.isWanted) this.want();
  }
}

export class Views {
  list = $state.raw<SavedView[]>([]);
  counts = $state.raw<Record<string, Count>>({});
  shown = $state.raw<ShownView>();
  private naming = new Fetching(() => this.fetchList());
  private counting = new Fetching(() => this.fetchCounts());
  private again: ReturnType<typeof setInterval>;

  constructor(readonly desk: Desk) {
    const { socket } = desk;
    for (const push of ["conversation:new", "conversation:updated"]) {
      socket.on(push, (row: Row) => this.changed(row.position));
    }
    socket.on("conversation:seen", () => this.changed());
    socket.on("sync", ({ position }: { position: string }) => {
      this.naming.want(0);
      this.changed(position);
    });
    socket.on("catalogue:changed", ({ kind }: { kind: string }) => kind === "views" && this.naming.want(0));
    this.again = setInterval(() => document.visibilityState === "visible" && this.changed(), AGAIN_MS);
  }

  close() {
    clearInterval(this.again);
    for (const fetching of [this.naming, this.counting]) fetching.stop();
    this.shown?.close();
  }

  show(id: string | undefined) {
    if (this.shown?.id === id) return;
    this.shown?.close();
    this.shown = id === undefined ? undefined : new ShownView(this.desk, this, id);
  }

  find(id: string): SavedView | undefined {
    return this.list.find((view) => view.id === id);
  }

  /** The header of a query that has to know what was pushed. */
  header(): { header?: { "Verbatim-After": string } } {
    return this.position === undefined ? {} : { header: { "Verbatim-After": this.position } };
  }
  private position: string | undefined;

  /** Fetches what may have changed. */
  changed(position?: string) {
    this.position = position ?? this.position;
    this.counting.want();
    this.shown?.changed();
  }

  /** Fetches the views anew, after the caller has changed one. */
  async fetchList(after?: string) {
    this.position = after ?? this.position;
    const { data } = await this.desk.api.GET("/v1/views", { params: this.header() });
    if (!data) return;
    this.list = data.data;
    if (this.shown && !this.find(this.shown.id)) this.show(undefined);
    this.changed();
  }

  private async fetchCounts() {
    const counts: Record<string, Count> = {};
    for (const { id } of this.list) {
      const { data } = await this.desk.api.GET("/v1/views/{id}/count", { params: { path: { id }, ...this.header() } });
      const counted = data ?? this.counts[id];
      if (counted) counts[id] = counted;
    }
    this.counts = counts;
  }
}

/** The conversations of a view in its order, as far as the reader has gone. */
export class ShownView {
  rows = $state.raw<Row[]>([]);
  isFetched = $state(false);
  /** The conversations on the first page that are new, or have a new message, since the reader left the top. */
  changedCount = $state(0);
  private cursor: string | undefined;
  private isAtTop = true;
  private fetching = new Fetching(() => this.fetchFirst());
  private isFetchingMore = false;
  private isClosed = false;
  /** Counts the lists that were begun anew: a page of an older one is not put behind a newer one. */
  private begun = 0;

  constructor(
    private desk: Desk,
    private views: Views,
    readonly id: string,
  ) {
    this.fetching.want(0);
  }

  close() {
    this.isClosed = true;
    this.fetching.stop();
  }

  changed() {
    this.fetching.want();
  }

  /** While the reader is below the top, the list stands still. */
  stand(isAtTop: boolean) {
    if (isAtTop && !this.isAtTop) this.fetching.want(0);
    this.isAtTop = isAtTop;
    if (isAtTop) this.changedCount = 0;
  }

  /** Whether there are further pages. */
  get hasMore(): boolean {
    return this.cursor !== undefined;
  }

  /** Fetches the next page, if there is one. */
  async more() {
    if (this.cursor === undefined || this.isFetchingMore) return;
    this.isFetchingMore = true;
    const { begun, cursor } = this;
    try {
      const page = await this.fetch(cursor);
      if (!page || begun !== this.begun) return;
      const known = new Set(this.rows.map(({ id }) => id));
      this.rows = [...this.rows, ...page.rows.filter(({ id }) => !known.has(id))];
      this.cursor = page.cursor;
    } catch {
      // It is fetched when the reader goes on.
    } finally {
      this.isFetchingMore = false;
    }
  }

  private async fetchFirst() {
    const page = await this.fetch();
    if (!page) return;
    if (this.isAtTop) {
      this.rows = page.rows;
      this.cursor = page.cursor;
      this.begun++;
    } else {
      const before = new Map(this.rows.map((row) => [row.id, row.last_message_at]));
      this.changedCount = page.rows.filter((row) => before.get(row.id) !== row.last_message_at).length;
    }
    this.isFetched = true;
  }

  private async fetch(cursor?: string): Promise<{ rows: Row[]; cursor: string | undefined } | undefined> {
    const query = { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
    const params = { path: { id: this.id }, query, ...this.views.header() };
    const { data } = await this.desk.api.GET("/v1/views/{id}/conversations", { params });
    if (!data || this.isClosed) return undefined;
    return { rows: this.desk.learn(data.data), cursor: data.next_cursor ?? undefined };
  }
}
