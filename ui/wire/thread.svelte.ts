/** The messages and the history of one conversation, kept by the rule of docs/realtime.md. */
import { SvelteMap } from "svelte/reactivity";
import { isBefore, type HistoryEvent, type Message, type ScheduledMessage } from "./client";
import type { Desk, Row } from "./desk.svelte";

type Pushed = Message & { position: string };
/** A page of messages, the position up to which it knows them, and whether there are earlier ones. */
type Page = { messages: Message[]; position: string; hasMore: boolean };
type PushedSchedule = { conversation_id: string; id: string; message: ScheduledMessage | null; position: string };
type Joined = { position: string; error?: unknown };
export type Entry =
  | { kind: "message"; id: string; message: Message }
  | { kind: "events"; id: string; events: HistoryEvent[] };

/** Events that a message in the thread shows, or that no reader of a thread asks for. */
const SHOWN_OTHERWISE = /\.(Message|ScheduledMessage|Note|Reaction|Sla|Conversation(Opened|Seen)|Seen|Queued|Bot(Skipped|Matched))/;
const RETRY_MS = 1_000;
const EVENTS_AT_FIRST = 150;
const MESSAGES_AT_FIRST = 60;
/** The largest page of messages and of events. */
const PAGE = 200;
/** A sign of typing is valid so long, and is repeated more often than that. */
const TYPING_MS = 5_000;
const REPEAT_TYPING_MS = 3_000;

type Typing = { conversation_id: string; user_id: string | null; is_private: boolean; is_typing: boolean };
/** Who types: an agent's id, or nothing for the customer. */
export type Typist = { userId: string | null; isNote: boolean };

export class Thread {
  private messages = new SvelteMap<string, Message>();
  private events = new SvelteMap<string, HistoryEvent>();
  isFetched = $state(false);
  isMissing = $state(false);
  /** The cursor of the oldest message while there are older ones. */
  older = $state<string>();
  viewers = $state.raw<string[]>([]);
  typists = new SvelteMap<string, Typist>();
  /** The messages that wait for their time or are held. */
  scheduled = new SvelteMap<string, ScheduledMessage>();
  /** The position at which each of them is known, also of those that were sent or cancelled. */
  private scheduledAt = new Map<string, string>();
  /** The position at which each message is known: what is known at an earlier one does not replace it. */
  private knownAt = new Map<string, string>();
  /** The cursor of the oldest message that was fetched. Those before it are pushed when they change, and not shown. */
  private begin = $state("");
  /** How often the messages were fetched anew. */
  private renewals = 0;
  /** The greatest position that is known. */
  private reached = "0";
  /** Whether pushes came without a gap since the messages were fetched. */
  private isJoined = false;
  private historyFrom = -1;
  /** The versions of the events that are fetched begin after this one. */
  private historyBegin = 0;
  private isClosed = false;
  private fetchingEvents = false;
  private historyWanted = "0";
  private typingEnds = new Map<string, ReturnType<typeof setTimeout>>();
  private typedAt = 0;

  constructor(
    private desk: Desk,
    readonly id: string,
  ) {
    const { socket } = desk;
    socket.on("conversation:message", this.onMessage);
    socket.on("conversation:message:updated", this.onMessage);
    socket.on("conversation:scheduled", this.onScheduled);
    socket.on("conversation:viewers", this.onViewers);
    socket.on("conversation:typing", this.onTyping);
    if (!desk.rows.has(id)) void this.fetchRow();
    if (socket.connected) this.join();
    else this.fetch("0");
  }

  close() {
    this.isClosed = true;
    const { socket } = this.desk;
    socket.off("conversation:message", this.onMessage);
    socket.off("conversation:message:updated", this.onMessage);
    socket.off("conversation:scheduled", this.onScheduled);
    socket.off("conversation:viewers", this.onViewers);
    socket.off("conversation:typing", this.onTyping);
    this.stopTyping();
    for (const timer of this.typingEnds.values()) clearTimeout(timer);
    if (socket.connected) socket.emit("conversation:leave", { conversation_id: this.id });
  }

  /** Messages in the order in which they were said, and between them the other events, folded. */
  entries: Entry[] = $derived.by(() => {
    const messages = [...this.messages.values()].filter(({ cursor }) => cursor >= this.begin).sort((a, b) => (a.cursor < b.cursor ? -1 : 1));
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

  /** Fetches the conversation that is not among the fetched ones, again until it is answered. */
  private async fetchRow() {
    const found = await this.desk.fetchRow(this.id).catch(() => undefined);
    if (found !== undefined) this.isMissing = !found;
    else setTimeout(() => !this.isClosed && void this.fetchRow(), RETRY_MS);
  }

  /** Joins the conversation, then fetches what was said before. With a gap in the pushes, all is fetched anew. */
  join(hasGap = true) {
    const isAnew = hasGap || !this.isJoined;
    this.isJoined = false;
    this.desk.socket.emit("conversation:join", { conversation_id: this.id }, (joined: Joined) => {
      if (this.isClosed) return;
      if (joined.error) return void (this.isMissing = true);
      this.isJoined = true;
      this.fetch(joined.position, isAnew);
    });
  }

  /** Fetches the newest messages with everything up to the position, again until it succeeds. */
  fetch(after: string, isAnew = false) {
    void this.fetchScheduled(after);
    void this.fetchPage({ limit: MESSAGES_AT_FIRST }, after).then((page) => {
      if (this.isClosed) return;
      if (!page) return void setTimeout(() => !this.isClosed && this.fetch(after, isAnew), RETRY_MS);
      for (const message of page.messages) this.keep(message, page.position);
      if (!this.isFetched || isAnew) this.beginAt(page);
      if (isAnew) this.forgetEarlier();
      this.isFetched = true;
      const row = this.desk.rows.get(this.id);
      if (row && this.historyFrom < 0) this.historyBegin = this.historyFrom = Math.max(0, row.version - EVENTS_AT_FIRST);
      void this.fetchEvents(after);
    });
  }

  /** The messages begin with this page: those before it are fetched when they are asked for. */
  private beginAt(page: Page) {
    this.older = page.hasMore ? page.messages[0]?.cursor : undefined;
    this.begin = this.older ?? "";
  }

  private forgetEarlier() {
    this.renewals += 1;
    for (const { id, cursor } of [...this.messages.values()]) {
      if (cursor >= this.begin) continue;
      this.messages.delete(id);
      this.knownAt.delete(id);
    }
  }

  async fetchOlder() {
    const before = this.older;
    if (before === undefined) return;
    const { renewals } = this;
    const page = await this.fetchPage({ limit: PAGE, before }, this.reached);
    if (!page || this.renewals !== renewals || this.older !== before) return;
    const { events, begin } = await this.fetchOlderEvents(page.messages[0]?.created_at ?? "");
    if (this.renewals !== renewals || this.older !== before) return;
    // All at once: an event that came between messages later would move what is read.
    for (const message of page.messages) this.keep(message, page.position);
    this.beginAt(page);
    this.keepEvents(events);
    this.historyBegin = begin;
  }

  /** The events back to this time, which are between the messages that are fetched, and where the known ones begin then. */
  private async fetchOlderEvents(since: string): Promise<{ events: HistoryEvent[]; begin: number }> {
    const events: HistoryEvent[] = [];
    let begin = this.historyBegin;
    try {
      while (begin > 0 && !this.isClosed) {
        const next = Math.max(0, begin - PAGE + 1);
        const query = { limit: begin - next + 1, ...(next > 0 ? { cursor: String(next) } : {}) };
        const { data } = await this.desk.api.GET("/v1/conversations/{id}/events", { params: { path: { id: this.id }, query } });
        if (!data) break;
        events.push(...data.data);
        begin = next;
        if ((data.data[0]?.recordedtime ?? "") < since) break;
      }
    } catch {
      // The next page of messages fetches them.
    }
    return { events, begin };
  }

  private keepEvents(events: HistoryEvent[]) {
    for (const event of events) if (!SHOWN_OTHERWISE.test(event.type)) this.events.set(event.id, event);
  }

  /** Tells the others that the agent types, again every few seconds while they do. */
  signalTyping(isNote: boolean) {
    const now = Date.now();
    if (now - this.typedAt < REPEAT_TYPING_MS || !this.desk.socket.connected) return;
    this.typedAt = now;
    this.desk.socket.emit("conversation:typing:start", { conversation_id: this.id, is_private: isNote });
  }

  stopTyping() {
    if (this.typedAt === 0 || !this.desk.socket.connected) return;
    this.typedAt = 0;
    this.desk.socket.emit("conversation:typing:stop", { conversation_id: this.id });
  }

  /** Whether the message was sent again. */
  isRepeated(id: string): boolean {
    return [...this.messages.values()].some(({ metadata }) => metadata.repeats === id);
  }

  /** The messages of others after this cursor: an answer was begun without them. */
  newerThan(cursor: string): Message[] {
    const isOther = (message: Message) => message.sender_id !== this.desk.session.userId;
    return [...this.messages.values()].filter((message) => message.cursor > cursor && isOther(message));
  }

  get newest(): Message | undefined {
    return [...this.messages.values()].reduce<Message | undefined>((a, b) => (a && a.cursor > b.cursor ? a : b), undefined);
  }

  /** The conversation has a new version: its history may have new events. */
  changed(row: Row) {
    if (this.isFetched) void this.fetchEvents(row.position);
  }

  private keep(message: Message, position: string) {
    const known = this.knownAt.get(message.id);
    if (known !== undefined && isBefore(position, known)) return;
    if (isBefore(this.reached, position)) this.reached = position;
    this.knownAt.set(message.id, position);
    this.messages.set(message.id, message);
  }

  private async fetchPage(query: { limit: number; before?: string }, after: string): Promise<Page | undefined> {
    const params = { path: { id: this.id }, query, header: { "Verbatim-After": after } };
    try {
      const { data, response } = await this.desk.api.GET("/v1/conversations/{id}/messages", { params });
      if (response.status === 404) this.isMissing = true;
      if (!data) return undefined;
      const position = response.headers.get("Verbatim-Position") ?? "0";
      return { messages: data.data, position, hasMore: data.next_cursor !== null && data.next_cursor !== undefined };
    } catch {
      return undefined;
    }
  }

  /** Fetches the scheduled messages, again until it succeeds. */
  private async fetchScheduled(after: string) {
    const params = { path: { id: this.id }, header: { "Verbatim-After": after } };
    const path = "/v1/conversations/{id}/scheduled-messages";
    const answer = await this.desk.api.GET(path, { params }).catch(() => undefined);
    if (this.isClosed || answer?.response.status === 404) return;
    if (!answer?.data) return void setTimeout(() => !this.isClosed && void this.fetchScheduled(after), RETRY_MS);
    const position = answer.response.headers.get("Verbatim-Position") ?? "0";
    const listed = new Map(answer.data.data.map((message) => [message.id, message]));
    for (const id of new Set([...this.scheduled.keys(), ...listed.keys()])) this.keepScheduled(id, listed.get(id), position);
  }

  private keepScheduled(id: string, message: ScheduledMessage | undefined, position: string) {
    const known = this.scheduledAt.get(id);
    if (known !== undefined && isBefore(position, known)) return;
    this.scheduledAt.set(id, position);
    if (message) this.scheduled.set(id, message);
    else this.scheduled.delete(id);
  }

  private async fetchEvents(after: string) {
    this.historyWanted = after;
    if (this.fetchingEvents) return;
    this.fetchingEvents = true;
    try {
      let more = true;
      while ((more || this.historyWanted !== after) && !this.isClosed) {
        after = this.historyWanted;
        const query = { limit: PAGE, ...(this.historyFrom > 0 ? { cursor: String(this.historyFrom) } : {}) };
        const params = { path: { id: this.id }, query, header: { "Verbatim-After": after } };
        const { data } = await this.desk.api.GET("/v1/conversations/{id}/events", { params });
        const events = data?.data ?? [];
        for (const event of events) this.historyFrom = Math.max(this.historyFrom, Number(event.streamversion));
        this.keepEvents(events);
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
    if (!this.knownAt.has(message.id)) this.typists.delete(message.sender_type === "contact" ? "" : (message.sender_id ?? ""));
    this.keep(message, position);
  };

  private onScheduled = ({ conversation_id, id, message, position }: PushedSchedule) => {
    if (conversation_id === this.id) this.keepScheduled(id, message ?? undefined, position);
  };

  private onTyping = ({ conversation_id, user_id, is_private, is_typing }: Typing) => {
    if (conversation_id !== this.id || user_id === this.desk.session.userId) return;
    const key = user_id ?? "";
    clearTimeout(this.typingEnds.get(key));
    if (!is_typing) return void this.typists.delete(key);
    this.typists.set(key, { userId: user_id, isNote: is_private });
    this.typingEnds.set(key, setTimeout(() => this.typists.delete(key), TYPING_MS));
  };

  private onViewers = ({ conversation_id, user_ids }: { conversation_id: string; user_ids: string[] }) => {
    if (conversation_id === this.id) this.viewers = user_ids.filter((id) => id !== this.desk.session.userId);
  };
}
