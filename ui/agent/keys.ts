/** The keys of the page: the help dialog is made of the same table. Letters only, never Alt: it writes letters in many languages. */
import type { Words } from "../wire/words.svelte";

export type Action = "next" | "previous" | "open" | "reply" | "note" | "resolve" | "assign" | "search" | "help";

export const KEYS: { key: string; action: Action; words: keyof Words }[] = [
  { key: "j", action: "next", words: "key_next" },
  { key: "k", action: "previous", words: "key_previous" },
  { key: "Enter", action: "open", words: "key_open" },
  { key: "r", action: "reply", words: "key_reply" },
  { key: "n", action: "note", words: "key_note" },
  { key: "e", action: "resolve", words: "key_resolve" },
  { key: "a", action: "assign", words: "key_assign" },
  { key: "s", action: "search", words: "key_search" },
  { key: "?", action: "help", words: "key_help" },
];

/** The action of a key that is pressed outside a field. */
export function actionOf(event: KeyboardEvent): Action | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return undefined;
  const target = event.target as HTMLElement;
  if (target.closest("input, textarea, select, dialog, [contenteditable]")) return undefined;
  // Links and buttons have a meaning of their own for Enter.
  if (event.key === "Enter" && target.closest("a, button, summary")) return undefined;
  return KEYS.find(({ key }) => key === event.key)?.action;
}
