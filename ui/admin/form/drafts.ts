/** What was written in forms and not saved, while the page is open. It is kept when another page of it is shown. */
import type { Item, Values } from "./fields";

export type Draft = { values: Values; base: Item | undefined };

const drafts = new Map<string, Draft>();

export function draftOf(place: string): Draft | undefined {
  return drafts.get(place);
}

export function keepDraft(place: string, draft: Draft | undefined) {
  if (draft) drafts.set(place, draft);
  else drafts.delete(place);
}

/** The browser asks before the page is left with a draft in it. */
addEventListener("beforeunload", (event) => {
  if (drafts.size > 0) event.preventDefault();
});
