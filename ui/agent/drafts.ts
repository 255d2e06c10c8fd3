/** What is written and not sent yet: one draft of each person and conversation, kept in this tab also over a reload. */

export type Draft = {
  text: string;
  note: boolean;
  /** The cursor of the newest message when the text was begun. */
  begun?: string | undefined;
  /** The message that it answers. */
  quoted?: string | undefined;
};

const kept = (user: string, conversation: string) => `verbatim.draft.${user}.${conversation}`;

export function draftOf(user: string, conversation: string): Draft {
  try {
    const read = JSON.parse(sessionStorage.getItem(kept(user, conversation)) ?? "{}");
    const words = (value: unknown) => (typeof value === "string" ? value : undefined);
    return { text: words(read.text) ?? "", note: read.note === true, begun: words(read.begun), quoted: words(read.quoted) };
  } catch {
    return { text: "", note: false };
  }
}

export function keepDraft(user: string, conversation: string, draft: Draft) {
  const key = kept(user, conversation);
  if (draft.text === "" && !draft.quoted) sessionStorage.removeItem(key);
  else sessionStorage.setItem(key, JSON.stringify(draft));
}
