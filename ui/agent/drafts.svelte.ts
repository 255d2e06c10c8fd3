/**
 * What is written and not sent yet: one draft of each person and conversation. The server keeps it; this tab keeps it too,
 * so that nothing that was typed is lost while the server cannot be reached.
 */
import type { components } from "../wire/api";
import type { Desk } from "../wire/desk.svelte";

export type Draft = {
  text: string;
  note: boolean;
  /** The cursor of the newest message when the text was begun. */
  begun?: string | undefined;
  /** The message that it answers. */
  quoted?: string | undefined;
};
type Stored = components["schemas"]["Draft"];
/** A draft as this tab keeps it. */
type Kept = Draft & {
  /** The version of the server's draft that it was made of, or nothing when the server had none. */
  version?: number | undefined;
  /** Whether the server has it. */
  isSaved: boolean;
  /** When it was last changed in this tab, in milliseconds. */
  typedAt: number;
};

/** The pause after the last change before a draft is saved, and before it is tried again. */
const PAUSE_MS = 800;
const RETRY_MS = 5_000;
const EMPTY: Draft = { text: "", note: false };

const keyOf = (user: string, conversation: string) => `verbatim.draft.${user}.${conversation}`;
const isEmpty = ({ text, quoted }: Draft) => text === "" && !quoted;
const isSame = (a: Draft, b: Draft) => (isEmpty(a) && isEmpty(b)) || (a.text === b.text && a.note === b.note && a.quoted === b.quoted);

function keptIn(key: string): Kept {
  try {
    const read = JSON.parse(sessionStorage.getItem(key) ?? "{}");
    const words = (value: unknown) => (typeof value === "string" ? value : undefined);
    const number = (value: unknown) => (typeof value === "number" ? value : undefined);
    const draft = { text: words(read.text) ?? "", note: read.note === true, begun: words(read.begun), quoted: words(read.quoted) };
    return { ...draft, version: number(read.version), isSaved: read.isSaved === true || isEmpty(draft), typedAt: number(read.typedAt) ?? 0 };
  } catch {
    return { ...EMPTY, isSaved: true, typedAt: 0 };
  }
}

function draftOf({ content, is_private, seen, in_reply_to }: Stored): Draft {
  return { text: content, note: is_private, begun: seen ?? undefined, quoted: in_reply_to ?? undefined };
}

/** Keeps the draft of one conversation while it is open. */
export class DraftKeeper {
  /** What was written in another window, or here, and is not in the field. */
  other = $state.raw<Draft>();
  private kept: Kept;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isBusy = false;
  private isClosed = false;
  private readonly key: string;

  /** `take` puts a draft into the field. */
  constructor(
    private desk: Desk,
    private conversation: string,
    private take: (draft: Draft) => void,
  ) {
    this.key = keyOf(desk.session.userId, conversation);
    this.kept = keptIn(this.key);
    void this.load();
  }

  get draft(): Draft {
    return this.kept;
  }

  /** The field holds this now. */
  changed(draft: Draft) {
    const isTyped = !isSame(draft, this.kept);
    this.keep(isTyped ? { ...this.kept, ...draft, isSaved: false, typedAt: Date.now() } : { ...this.kept, ...draft });
    if (isTyped) this.schedule(isEmpty(draft) ? 0 : PAUSE_MS);
  }

  /** Takes the other draft. What was in the field is the other one then. */
  swap() {
    const { other } = this;
    if (!other) return;
    const { text, note, begun, quoted } = this.kept;
    this.other = isEmpty(this.kept) ? undefined : { text, note, begun, quoted };
    this.take(other);
    this.changed(other);
  }

  /** Saves what is not saved yet, also when the page goes away. */
  flush() {
    if (!this.kept.isSaved) void this.save(true);
  }

  close() {
    clearTimeout(this.timer);
    this.flush();
    this.isClosed = true;
  }

  private keep(kept: Kept) {
    this.kept = kept;
    if (isEmpty(kept) && kept.isSaved) sessionStorage.removeItem(this.key);
    else sessionStorage.setItem(this.key, JSON.stringify(kept));
    if (isEmpty(kept)) this.desk.drafts.delete(this.conversation);
    else this.desk.drafts.set(this.conversation, kept.text);
  }

  private schedule(pause: number) {
    clearTimeout(this.timer);
    if (!this.isClosed) this.timer = setTimeout(() => void this.save(), pause);
  }

  private get params() {
    return { path: { id: this.conversation } };
  }

  /** Fetches the server's draft. Of two different ones the newer is in the field, and the other is shown beside it. */
  private async load() {
    const answer = await this.desk.api.GET("/v1/conversations/{id}/draft", { params: this.params }).catch(() => undefined);
    if (this.isClosed) return;
    if (!answer || (!answer.data && answer.response.status !== 404)) return void setTimeout(() => !this.isClosed && void this.load(), RETRY_MS);
    const stored = answer.data;
    if (!stored) {
      // It was sent or removed elsewhere.
      if (this.kept.isSaved && !isEmpty(this.kept)) this.adopt(EMPTY, undefined);
      else this.keep({ ...this.kept, version: undefined });
    } else if (this.kept.isSaved || isSame(this.kept, draftOf(stored))) {
      this.adopt(draftOf(stored), stored.version);
    } else if (stored.version === this.kept.version) {
      // This tab has typed on since it was saved.
    } else if (!isEmpty(this.kept) && Date.parse(stored.updated_at) > this.kept.typedAt) {
      const { text, note, begun, quoted } = this.kept;
      this.other = { text, note, begun, quoted };
      this.adopt(draftOf(stored), stored.version);
    } else {
      this.other = draftOf(stored);
      this.keep({ ...this.kept, version: stored.version });
    }
    if (!this.kept.isSaved) this.schedule(0);
  }

  private adopt(draft: Draft, version: number | undefined) {
    const isShown = isSame(draft, this.kept);
    this.keep({ ...draft, version, isSaved: true, typedAt: this.kept.typedAt });
    if (!isShown) this.take(draft);
  }

  private async save(keepalive = false) {
    if (this.isBusy && !keepalive) return;
    this.isBusy = true;
    const saving = this.kept;
    const status = await this.write(saving, keepalive).catch(() => undefined);
    this.isBusy = false;
    if (status === 412) return void this.load();
    if (status === undefined || status >= 500 || status === 429) return this.schedule(RETRY_MS);
    if (!isSame(this.kept, saving)) this.schedule(PAUSE_MS);
  }

  /** Writes the draft to the server, or removes it there. Answers the status. */
  private async write(saving: Kept, keepalive: boolean): Promise<number> {
    const { params, desk } = this;
    const header = saving.version === undefined ? {} : { "If-Match": `"${saving.version}"` };
    const isSaved = () => isSame(this.kept, saving);
    if (isEmpty(saving)) {
      if (saving.version === undefined) return this.keep({ ...this.kept, isSaved: isSaved() }), 200;
      const { response } = await desk.api.DELETE("/v1/conversations/{id}/draft", { params: { ...params, header }, keepalive });
      if (response.ok) this.keep({ ...this.kept, version: undefined, isSaved: isSaved() });
      return response.status;
    }
    const body = { content: saving.text, is_private: saving.note, in_reply_to: saving.quoted ?? null, seen: saving.begun ?? null };
    const { data, response } = await desk.api.PUT("/v1/conversations/{id}/draft", { params: { ...params, header }, body, keepalive });
    if (data) this.keep({ ...this.kept, version: data.version, isSaved: isSaved() });
    return response.status;
  }
}
