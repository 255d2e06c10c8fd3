/** The copy of the account's conversations, kept by the rule of docs/realtime.md, and the connection that feeds it. */
import { io, type Socket } from "socket.io-client";
import { SvelteMap } from "svelte/reactivity";
import { client, freshKey, isBefore, type Client, type Conversation, type ScheduledMessage } from "./client";
import { CoalescedMap } from "./coalesced.svelte";
import type { Session } from "./session";
import { Thread } from "./thread.svelte";
import { Views } from "./views.svelte";

export type Row = Omit<Conversation, "unread_count">;
type Seen = { conversation_id: string; received: number };
type PushedSchedule = { id: string; change: string; message: ScheduledMessage | null; position: string };
type Sync = { mode: "live" | "resumed" | "reset"; position: string };
type ByStatus = Record<string, number>;
type Counts = { all: ByStatus; unassigned: ByStatus; teams: Record<string, ByStatus>; assignees: Record<string, ByStatus> };
export type Tab = "mine" | "unassigned" | "bot" | "all";

export const ACTIVE = ["open", "assigned", "pending", "bot"];
/** The resolved conversations that are fetched: the newest. Each that changes later is pushed. */
const RESOLVED_FETCHED = 200;
const RETRY_MS = 1_000;

function active(counted: ByStatus | undefined): number {
  return ACTIVE.reduce((sum, status) => sum + (counted?.[status] ?? 0), 0);
}

export class Desk {
  readonly api: Client;
  readonly socket: Socket;
  rows = new CoalescedMap<string, Row>();
  seen = new CoalescedMap<string, number>();
  counts = $state.raw<Counts>();
  /** Whether all conversations are fetched. */
  isFilled = $state(false);
  /** When the connection was lost, until it is there again. */
  lostAt = $state<number>();
  /** The number of conversations that changed while the connection was lost, once it is there again. */
  caughtUp = $state<number>();
  /** The teams' names. */
  teams = new SvelteMap<string, string>();
  /** The agents' names. */
  agents = new SvelteMap<string, string>();
  /** Is called when a customer writes in a conversation of the caller. */
  announce: ((row: Row) => void) | undefined;
  /** Is called when a message of the caller was not sent at its time. */
  announceHeld: ((message: ScheduledMessage) => void) | undefined;
  /** The messages of the caller that were not sent at their time. */
  held = $state.raw<ScheduledMessage[]>([]);
  /** The texts of the caller's drafts, by conversation. */
  drafts = new SvelteMap<string, string>();
  thread = $state.raw<Thread>();
  readonly views: Views;

  /** The next `sync` is the first of a connection. Those after it tell of joined conversations. */
  private awaitsSync = true;
  private changedSince = new Map<string, string>();
  private fetching = 0;
  private isClosed = false;
  /** The conversations whose seen messages are being fetched. */
  private learning = new Set<string>();

  constructor(
    readonly session: Session,
    readonly account: string,
    refused: () => void,
    connect: typeof io = io,
  ) {
    this.api = client(session, account, refused);
    const auth = (answer: (auth: object) => void) => answer({ token: session.token, account });
    this.socket = connect("/agents", { auth, transports: ["websocket", "polling"] });
    const { socket } = this;
    socket.on("sync", (sync: Sync) => this.begin(sync));
    socket.on("conversation:new", (row: Row) => {
      this.applySeen({ conversation_id: row.id, received: 0 });
      this.push(row);
    });
    socket.on("conversation:updated", (row: Row) => this.push(row));
    socket.on("conversation:seen", (seen: Seen) => this.applySeen(seen));
    socket.on("conversation:scheduled", (push: PushedSchedule) => this.applySchedule(push));
    socket.on("inbox:counts", (counts: Counts) => (this.counts = counts));
    socket.on("catalogue:changed", ({ kind }: { kind: string }) => kind === "teams" && this.fetchNames());
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
    this.views = new Views(this);
    this.fetchNames();
  }

  close() {
    this.isClosed = true;
    this.fetching++;
    this.socket.disconnect();
    this.thread?.close();
    this.views.close();
  }

  /** The number of the customer's messages that the caller has not seen: none while that is not known. */
  unread(row: Row): number {
    return Math.max(0, row.received_count - (this.seen.get(row.id) ?? row.received_count));
  }

  isIn(row: Row, tab: Tab): boolean {
    if (tab === "mine") return row.assignee_id === this.session.userId;
    if (tab === "bot") return row.status === "bot";
    return tab === "all" || (row.assignee_id ?? null) === null;
  }

  /** The number of active conversations of a tab, as the server counts them, or of a team. */
  count(tab: Tab, team?: string): number | undefined {
    if (!this.counts) return undefined;
    if (team !== undefined) return active(this.counts.teams[team]);
    if (tab === "bot") return this.counts.all["bot"] ?? 0;
    return active(tab === "mine" ? this.counts.assignees[this.session.userId] : this.counts[tab]);
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
    // Without an answer it stays unread, and is marked when the reader looks at it again.
    const answer = await this.api.POST("/v1/conversations/{id}/seen", { params }).catch(() => undefined);
    if (answer && !answer.error) this.applySeen({ conversation_id: id, received });
  }

  private begin({ mode, position }: Sync) {
    if (!this.awaitsSync && mode !== "reset") return;
    this.awaitsSync = false;
    const wasLost = this.lostAt !== undefined;
    this.lostAt = undefined;
    if (mode === "reset" || this.fetching === 0) {
      const before = new Map(this.rows.entries());
      this.rows.clear();
      this.seen.clear();
      this.isFilled = false;
      void this.fetchAll(position, before);
    } else if (wasLost) {
      this.fetchNames();
      this.changedSince.clear();
      this.caughtUpTo = undefined;
      this.caughtUp = 0;
      void this.findCaughtUp(position).catch(() => (this.caughtUp = undefined));
    }
    void this.fetchHeld(position);
    void this.fetchDrafts();
    // Also when it is resumed: the connection may have been lost before the client was in the conversation.
    this.thread?.join(mode === "reset");
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
    const isNew = row.received_count > (this.rows.get(row.id)?.received_count ?? 0);
    this.apply(row);
    if (isNew && row.assignee_id === this.session.userId) this.announce?.(row);
    if (this.isFilled) void this.learnSeen(row.id);
    if (this.thread?.id === row.id) this.thread.changed(row);
  }

  /** A conversation that was pushed and not fetched does not say what the caller has seen. */
  private async learnSeen(id: string) {
    if (this.seen.has(id) || this.learning.has(id)) return;
    this.learning.add(id);
    while (!this.isClosed && !this.seen.has(id)) {
      const found = await this.fetchRow(id).catch(() => undefined);
      if (found === false) break;
      if (found === undefined) await new Promise((retry) => setTimeout(retry, RETRY_MS));
    }
    this.learning.delete(id);
  }

  private apply(row: Row) {
    if (row.version > (this.rows.get(row.id)?.version ?? -1)) this.rows.set(row.id, row);
  }

  private applySchedule({ id, change, message, position }: PushedSchedule) {
    const isMine = message?.sender_id === this.session.userId;
    const isHeld = change === "held" && isMine;
    if (isHeld && message) this.announceHeld?.(message);
    // What is being fetched may have the message as it was before.
    if (isHeld || this.fetchingHeld > 0 || this.held.some((held) => held.id === id)) void this.fetchHeld(position);
  }

  /** Fetches the caller's messages that were not sent, again until it succeeds. */
  private async fetchHeld(after: string) {
    const params = { header: { "Verbatim-After": after } };
    this.fetchingHeld++;
    while (!this.isClosed) {
      const answer = await this.api.GET("/v1/scheduled-messages", { params }).catch(() => undefined);
      if (answer && answer.response.status < 500) {
        const position = answer.response.headers.get("Verbatim-Position") ?? "0";
        if (!answer.data || isBefore(position, this.heldAt)) break;
        this.heldAt = position;
        this.held = answer.data.data.filter(({ state }) => state === "held");
        break;
      }
      await new Promise((retry) => setTimeout(retry, RETRY_MS));
    }
    this.fetchingHeld--;
  }
  private fetchingHeld = 0;
  private heldAt = "0";

  /** Fetches the caller's drafts. Without an answer, the next connection fetches them. */
  private async fetchDrafts() {
    const answer = await this.api.GET("/v1/drafts").catch(() => undefined);
    for (const { conversation_id, preview } of answer?.data?.data ?? []) {
      if (conversation_id !== this.thread?.id) this.drafts.set(conversation_id, preview);
    }
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
        for (const { id } of this.rows.values()) void this.learnSeen(id);
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
      this.learn(data.data);
      fetched += data.data.length;
      cursor = data.next_cursor ?? undefined;
    } while (cursor !== undefined && fetched < most);
    const { data } = await this.api.GET("/v1/conversations/counts");
    const { by_status: all, unassigned_by_status: unassigned, teams, assignees } = data ?? {};
    if (all && unassigned && teams && assignees) this.counts ??= { all, unassigned, teams, assignees };
  }

  /** Takes over conversations that were fetched. */
  learn(fetched: Conversation[]): Row[] {
    return fetched.map(({ unread_count, ...row }) => {
      this.apply(row);
      this.applySeen({ conversation_id: row.id, received: row.received_count - unread_count });
      return row;
    });
  }

  /** Fetches the names of teams and agents. Without them the pages show less, and the next connection fetches them. */
  private fetchNames() {
    const fetched = async () => {
      const [teams, agents] = await Promise.all([this.api.GET("/v1/teams"), this.api.GET("/v1/agents")]);
      for (const team of teams.data?.data ?? []) this.teams.set(team.id, team.name);
      for (const agent of agents.data?.data ?? []) this.agents.set(agent.id, agent.name);
    };
    fetched().catch(() => undefined);
  }

  /** Fetches a conversation. Answers whether there is one, or nothing when that is not known. */
  async fetchRow(id: string): Promise<boolean | undefined> {
    const { data, response } = await this.api.GET("/v1/conversations/{id}", { params: { path: { id } } });
    if (!data) return response.status === 404 ? false : undefined;
    const { unread_count, messages, earlier_messages, sla_timers, ...row } = data;
    this.apply(row);
    this.applySeen({ conversation_id: id, received: row.received_count - unread_count });
    return true;
  }
}
