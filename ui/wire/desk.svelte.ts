/** The copy of the account's conversations, kept by the rule of docs/realtime.md, and the connection that feeds it. */
import { io, type Socket } from "socket.io-client";
import { SvelteMap } from "svelte/reactivity";
import { client, freshKey, isBefore, type Client, type Conversation } from "./client";
import type { Session } from "./session";
import { Thread } from "./thread.svelte";

export type Row = Omit<Conversation, "unread_count">;
type Seen = { conversation_id: string; received: number };
type Sync = { mode: "live" | "resumed" | "reset"; position: string };
type ByStatus = Record<string, number>;
type Counts = { all: ByStatus; unassigned: ByStatus; assignees: Record<string, ByStatus> };
export type Tab = "mine" | "unassigned" | "all";

export const ACTIVE = ["open", "assigned", "pending", "bot"];
/** The resolved conversations that are fetched: the newest. Each that changes later is pushed. */
const RESOLVED_FETCHED = 200;
const RETRY_MS = 1_000;

export class Desk {
  readonly api: Client;
  readonly socket: Socket;
  rows = new SvelteMap<string, Row>();
  seen = new SvelteMap<string, number>();
  counts = $state.raw<Counts>();
  /** Whether all conversations are fetched. */
  isFilled = $state(false);
  /** When the connection was lost, until it is there again. */
  lostAt = $state<number>();
  /** The number of conversations that changed while the connection was lost, once it is there again. */
  caughtUp = $state<number>();
  /** The teams' names. */
  teams = new SvelteMap<string, string>();
  thread = $state.raw<Thread>();

  /** The next `sync` is the first of a connection. Those after it tell of joined conversations. */
  private awaitsSync = true;
  private changedSince = new Map<string, string>();
  private fetching = 0;

  constructor(
    readonly session: Session,
    readonly account: string,
    refused: () => void,
  ) {
    this.api = client(session, account, refused);
    const auth = (answer: (auth: object) => void) => answer({ token: session.token, account });
    this.socket = io("/agents", { auth, transports: ["websocket", "polling"] });
    const { socket } = this;
    socket.on("sync", (sync: Sync) => this.begin(sync));
    socket.on("conversation:new", (row: Row) => this.push(row));
    socket.on("conversation:updated", (row: Row) => this.push(row));
    socket.on("conversation:seen", (seen: Seen) => this.applySeen(seen));
    socket.on("inbox:counts", (counts: Counts) => (this.counts = counts));
    socket.on("catalogue:changed", ({ kind }: { kind: string }) => kind === "teams" && void this.fetchTeams());
    socket.on("disconnect", (reason) => {
      this.lostAt ??= Date.now();
      this.awaitsSync = true;
      this.caughtUp = undefined;
      // The stock client comes back by itself unless the server closed the connection.
      if (reason === "io server disconnect") setTimeout(() => socket.connect(), RETRY_MS);
    });
    socket.on("connect_error", (error: Error & { data?: { status?: number } }) => {
      if (error.data?.status === 401) return refused();
      this.lostAt ??= Date.now();
      if (!socket.active) setTimeout(() => socket.connect(), RETRY_MS);
    });
    void this.fetchTeams();
  }

  close() {
    this.fetching++;
    this.socket.disconnect();
    this.thread?.close();
  }

  unread(row: Row): number {
    return Math.max(0, row.received_count - (this.seen.get(row.id) ?? 0));
  }

  isIn(row: Row, tab: Tab): boolean {
    if (tab === "mine") return row.assignee_id === this.session.userId;
    return tab === "all" || (row.assignee_id ?? null) === null;
  }

  /** The number of active conversations of a tab, as the server counts them. */
  count(tab: Tab): number | undefined {
    if (!this.counts) return undefined;
    const counted = tab === "mine" ? this.counts.assignees[this.session.userId] : this.counts[tab];
    return ACTIVE.reduce((sum, status) => sum + (counted?.[status] ?? 0), 0);
  }

  open(id: string | undefined) {
    if (this.thread?.id === id) return;
    this.thread?.close();
    this.thread = id === undefined ? undefined : new Thread(this, id);
  }

  /** Marks the conversation as read by the caller. */
  async markSeen(id: string) {
    const row = this.rows.get(id);
    if (!row || this.unread(row) === 0) return;
    const received = row.received_count;
    const params = { path: { id }, header: { "Idempotency-Key": freshKey() } };
    const { error } = await this.api.POST("/v1/conversations/{id}/seen", { params });
    if (!error) this.applySeen({ conversation_id: id, received });
  }

  private begin({ mode, position }: Sync) {
    if (!this.awaitsSync && mode !== "reset") return;
    this.awaitsSync = false;
    const wasLost = this.lostAt !== undefined;
    this.lostAt = undefined;
    if (mode === "reset" || !this.isFilled) {
      const before = new Map(this.rows);
      this.rows.clear();
      this.seen.clear();
      this.isFilled = false;
      void this.fetchAll(position, before);
    } else if (wasLost) {
      this.changedSince.clear();
      this.caughtUpTo = undefined;
      this.caughtUp = 0;
      void this.findCaughtUp(position);
    }
    // Also when it is resumed: the connection may have been lost before the client was in the conversation.
    this.thread?.join();
  }

  /** Counts the conversations whose pushes come after the return and were in the log before it. */
  private async findCaughtUp(after: string) {
    const { response } = await this.api.GET("/v1/conversations/counts", { params: { header: { "Verbatim-After": after } } });
    const end = response.headers.get("Verbatim-Position");
    if (end === null) return;
    this.caughtUpTo = end;
    this.recount();
  }
  private caughtUpTo: string | undefined;

  private recount() {
    const end = this.caughtUpTo;
    if (end === undefined || this.caughtUp === undefined) return;
    this.caughtUp = [...this.changedSince.values()].filter((position) => !isBefore(end, position)).length;
  }

  private push(row: Row) {
    if (this.caughtUp !== undefined) {
      const first = this.changedSince.get(row.id) ?? row.position;
      this.changedSince.set(row.id, first);
      this.recount();
    }
    this.apply(row);
    if (this.thread?.id === row.id) this.thread.changed(row);
  }

  private apply(row: Row) {
    if (row.version > (this.rows.get(row.id)?.version ?? -1)) this.rows.set(row.id, row);
  }

  private applySeen({ conversation_id: id, received }: Seen) {
    this.seen.set(id, Math.max(received, this.seen.get(id) ?? 0));
  }

  /** Fetches everything up to the position, again until it succeeds. */
  private async fetchAll(after: string, before: Map<string, Row>) {
    const mine = ++this.fetching;
    while (mine === this.fetching) {
      try {
        await this.fetchPages(ACTIVE.join(","), after, Infinity);
        await this.fetchPages("resolved,closed", after, RESOLVED_FETCHED);
        if (mine !== this.fetching) return;
        this.isFilled = true;
        if (before.size > 0) {
          this.caughtUpTo = undefined;
          const changed = [...this.rows.values()].filter((row) => before.get(row.id)?.version !== row.version);
          this.caughtUp = changed.length;
        }
        return;
      } catch {
        await new Promise((retry) => setTimeout(retry, RETRY_MS));
      }
    }
  }

  private async fetchPages(status: string, after: string, most: number) {
    let cursor: string | undefined;
    let fetched = 0;
    do {
      const query = { status, limit: 200, ...(cursor === undefined ? {} : { cursor }) };
      const params = { query, header: { "Verbatim-After": after } };
      const { data } = await this.api.GET("/v1/conversations", { params });
      if (!data) throw new Error("the list was refused");
      for (const { unread_count, ...row } of data.data) {
        this.apply(row);
        this.applySeen({ conversation_id: row.id, received: row.received_count - unread_count });
      }
      fetched += data.data.length;
      cursor = data.next_cursor ?? undefined;
    } while (cursor !== undefined && fetched < most);
    const { data } = await this.api.GET("/v1/conversations/counts");
    if (data) this.counts ??= { all: data.by_status, unassigned: data.unassigned_by_status, assignees: data.assignees };
  }

  private async fetchTeams() {
    const { data } = await this.api.GET("/v1/teams");
    for (const team of data?.data ?? []) this.teams.set(team.id, team.name);
  }

  /** Fetches a conversation that is not among the fetched ones. */
  async fetchRow(id: string): Promise<boolean> {
    const { data } = await this.api.GET("/v1/conversations/{id}", { params: { path: { id } } });
    if (!data) return false;
    const { unread_count, ...row } = data;
    this.apply(row);
    this.applySeen({ conversation_id: id, received: row.received_count - unread_count });
    return true;
  }
}
