/** The messages and the history of one conversation, kept by the rule of docs/realtime.md. */
import { SvelteMap } from "svelte/reactivity";
import { isBefore, type HistoryEvent, type Message } from "./client";
import type { Desk, Row } from "./desk.svelte";

type Pushed = Message & { position: string };
type Joined = { position: string; error?: unknown };
export type Entry =
  | { kind: "message"; id: string; message: Message }
  | { kind: "events"; id: string; events: HistoryEvent[] };

/** Events that a message in the thread shows, or that no reader of a thread asks for. */
const SHOWN_OTHERWISE = /\.(Message|Note|Reaction|Sla|Conversation(Opened|Seen)|Seen|Queued|Bot(Skipped|Matched))/;
const RETRY_MS = 1_000;
const EVENTS_AT_FIRST = 150;

export class Thread {
  private messages = new SvelteMap<string, Message>();
  private events = new SvelteMap<string, HistoryEvent>();
  isFetched = $state(false);
  isMissing = $state(false);
  /** The cursor of the oldest message while there are older ones. */
  older = $state<string>();
  viewers = $state.raw<string[]>([]);
  /** The pushed messages' positions: a pushed message stays when it is not before the answer. */
  private pushedAt = new Map<string, string>();
  private historyFrom = -1;
  private isClosed = false;
  private fetchingEvents = false;
  private historyWanted = "0";

  constructor(
    private desk: Desk,
    readonly id: string,
  ) {
    const { socket } = desk;
    socket.on("conversation:message", this.onMessage);
    socket.on("conversation:message:updated", this.onMessage);
    socket.on("conversation:viewers", this.onViewers);
    if (!desk.rows.has(id)) void desk.fetchRow(id).then((found) => (this.isMissing = !found && desk.isFilled));
    if (socket.connected) this.join();
    else this.fetch("0");
  }

  close() {
    this.isClosed = true;
    const { socket } = this.desk;
    socket.off("conversation:message", this.onMessage);
    socket.off("conversation:message:updated", this.onMessage);
    socket.off("conversation:viewers", this.onViewers);
    if (socket.connected) socket.emit("conversation:leave", { conversation_id: this.id });
  }

  /** Messages in the order in which they were said, and between them the other events, folded. */
  entries: Entry[] = $derived.by(() => {
    const messages = [...this.messages.values()].sort((a, b) => (a.cursor < b.cursor ? -1 : 1));
    const oldest = this.older === undefined ? "" : (messages[0]?.created_at ?? "");
    const events = [...this.events.values()].filter((event) => event.recordedtime > oldest);
    events.sort((a, b) => Number(a.streamversion) - Number(b.streamversion));
    const entries: Entry[] = [];
    let next = 0;
    const fold = (until: string | undefined) => {
      const begin = next;
      while (next < events.length && (until === undefined || events[next]!.recordedtime < until)) next++;
      if (next > begin) entries.push({ kind: "events", id: events[begin]!.id, events: events.slice(begin, next) });
    };
    for (const message of messages) {
      fold(message.created_at);
      entries.push({ kind: "message", id: message.id, message });
    }
    fold(undefined);
    return entries;
  });

  find(id: string): Message | undefined {
    return this.messages.get(id);
  }

  /** Joins the conversation, then fetches what was said before. */
  join() {
    this.desk.socket.emit("conversation:join", { conversation_id: this.id }, (joined: Joined) => {
      if (this.isClosed) return;
      if (joined.error) this.isMissing = true;
      else this.fetch(joined.position);
    });
  }

  /** Fetches the newest messages with everything up to the position, again until it succeeds. */
  fetch(after: string) {
    void this.fetchPage({ limit: 60 }, after).then((page) => {
      if (this.isClosed) return;
      if (!page) return void setTimeout(() => !this.isClosed && this.fetch(after), RETRY_MS);
      if (!this.isFetched) this.older = page.hasMore ? page.oldest : undefined;
      this.isFetched = true;
      const row = this.desk.rows.get(this.id);
      if (row && this.historyFrom < 0) this.historyFrom = Math.max(0, row.version - EVENTS_AT_FIRST);
      void this.fetchEvents(after);
    });
  }

  async fetchOlder() {
    const before = this.older;
    if (before === undefined) return;
    this.older = undefined;
    const page = await this.fetchPage({ limit: 60, before }, "0");
    this.older = page ? (page.hasMore ? page.oldest : undefined) : before;
  }

  /** The conversation has a new version: its history may have new events. */
  changed(row: Row) {
    if (this.isFetched) void this.fetchEvents(row.position);
  }

  private async fetchPage(query: { limit: number; before?: string }, after: string) {
    const params = { path: { id: this.id }, query, header: { "Verbatim-After": after } };
    try {
      const { data, response } = await this.desk.api.GET("/v1/conversations/{id}/messages", { params });
      if (response.status === 404) this.isMissing = true;
      if (!data) return undefined;
      const position = response.headers.get("Verbatim-Position") ?? "0";
      for (const message of data.data) {
        const pushed = this.pushedAt.get(message.id);
        if (pushed === undefined || isBefore(pushed, position)) this.messages.set(message.id, message);
      }
      return { oldest: data.data[0]?.cursor, hasMore: data.next_cursor !== null && data.next_cursor !== undefined };
    } catch {
      return undefined;
    }
  }

  private async fetchEvents(after: string) {
    this.historyWanted = after;
    if (this.fetchingEvents) return;
    this.fetchingEvents = true;
    try {
      let more = true;
      while ((more || this.historyWanted !== after) && !this.isClosed) {
        after = this.historyWanted;
        const query = { limit: 200, ...(this.historyFrom > 0 ? { cursor: String(this.historyFrom) } : {}) };
        const params = { path: { id: this.id }, query, header: { "Verbatim-After": after } };
        const { data } = await this.desk.api.GET("/v1/conversations/{id}/events", { params });
        for (const event of data?.data ?? []) {
          this.historyFrom = Math.max(this.historyFrom, Number(event.streamversion));
          if (!SHOWN_OTHERWISE.test(event.type)) this.events.set(event.id, event);
        }
        more = data?.next_cursor !== null && data?.next_cursor !== undefined;
      }
    } catch {
      // The next change of the conversation fetches them.
    } finally {
      this.fetchingEvents = false;
    }
  }

  private onMessage = ({ position, ...message }: Pushed) => {
    if (message.conversation_id !== this.id) return;
    const known = this.pushedAt.get(message.id);
    if (known !== undefined && isBefore(position, known)) return;
    this.pushedAt.set(message.id, position);
    this.messages.set(message.id, message);
  };

  private onViewers = ({ conversation_id, user_ids }: { conversation_id: string; user_ids: string[] }) => {
    if (conversation_id === this.id) this.viewers = user_ids.filter((id) => id !== this.desk.session.userId);
  };
}
