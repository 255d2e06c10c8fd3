/**
 * What can be done by a key: the help, the palette and the settings of keys are made of this table. Letters only, never
 * Alt: it writes letters in many languages. The reader's own keys are kept in the browser.
 */
import { SvelteMap } from "svelte/reactivity";
import type { Words } from "../wire/words.svelte";

export type Action =
  | "next"
  | "previous"
  | "open"
  | "reply"
  | "note"
  | "resolve"
  | "assign"
  | "search"
  | "history"
  | "past"
  | "label"
  | "details"
  | "mine"
  | "unassigned"
  | "bot"
  | "all"
  | "view"
  | "new_view"
  | "select"
  | "select_range"
  | "select_all"
  | "preferences"
  | "help";

export const KEYS: { key: string; action: Action; words: keyof Words }[] = [
  { key: "j", action: "next", words: "key_next" },
  { key: "k", action: "previous", words: "key_previous" },
  { key: "Enter", action: "open", words: "key_open" },
  { key: "r", action: "reply", words: "key_reply" },
  { key: "n", action: "note", words: "key_note" },
  { key: "e", action: "resolve", words: "key_resolve" },
  { key: "a", action: "assign", words: "key_assign" },
  { key: "s", action: "search", words: "key_search" },
  { key: "h", action: "history", words: "key_history" },
  { key: "t", action: "past", words: "key_past" },
  { key: "l", action: "label", words: "key_label" },
  { key: "d", action: "details", words: "key_details" },
  { key: "1", action: "mine", words: "key_mine" },
  { key: "2", action: "unassigned", words: "key_unassigned" },
  { key: "3", action: "bot", words: "key_bot" },
  { key: "4", action: "all", words: "key_all" },
  { key: "v", action: "view", words: "key_view" },
  { key: "V", action: "new_view", words: "view_new" },
  { key: "x", action: "select", words: "key_select" },
  { key: "X", action: "select_range", words: "key_select_range" },
  { key: "*", action: "select_all", words: "bulk_all" },
  { key: ",", action: "preferences", words: "key_preferences" },
  { key: "?", action: "help", words: "key_help" },
];

const KEPT = "verbatim.keys";
const OFF = "verbatim.keys.off";

function kept(): [Action, string][] {
  try {
    const read = Object.entries(JSON.parse(localStorage.getItem(KEPT) ?? "{}"));
    return read.filter(([action, key]) => KEYS.some((known) => known.action === action) && typeof key === "string") as [Action, string][];
  } catch {
    return [];
  }
}

/** The keys that the reader chose instead of those of the table. */
const chosen = new SvelteMap<Action, string>(kept());
const switches = new SvelteMap([[OFF, localStorage.getItem(OFF) === "true"]]);

export function keyOf(action: Action): string {
  return chosen.get(action) ?? KEYS.find((known) => known.action === action)!.key;
}

/** Chooses the key of an action. Answers the action that has the key already, and then changes nothing. */
export function choose(action: Action, key: string): Action | undefined {
  const taken = KEYS.find((known) => known.action !== action && keyOf(known.action) === key)?.action;
  if (taken !== undefined) return taken;
  chosen.set(action, key);
  localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(chosen)));
  return undefined;
}

export function restoreKeys() {
  chosen.clear();
  localStorage.removeItem(KEPT);
}

/** Whether keys outside fields do something. Software that reads the screen may need them for itself. */
export function areOn(): boolean {
  return !switches.get(OFF);
}

export function switchKeys(on: boolean) {
  switches.set(OFF, !on);
  localStorage.setItem(OFF, String(!on));
}

/** Whether the key can be chosen: one sign, or Enter, without Ctrl, Alt or ⌘. */
export function isKey({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  return !ctrlKey && !metaKey && !altKey && ([...key].length === 1 || key === "Enter") && key !== " ";
}

/** The action of a key that is pressed outside a field. */
export function actionOf(event: KeyboardEvent): Action | undefined {
  if (!areOn() || !isKey(event) || event.defaultPrevented || event.isComposing) return undefined;
  const target = event.target as HTMLElement;
  if (target.closest("input:not([type=checkbox]), textarea, select, dialog, [contenteditable]")) return undefined;
  // Links and buttons have a meaning of their own for Enter.
  if (event.key === "Enter" && target.closest("a, button, summary")) return undefined;
  return KEYS.find(({ action }) => keyOf(action) === event.key)?.action;
}

/** Ctrl or ⌘ and K opens the palette, also in a field. */
export function isPaletteKey(event: KeyboardEvent): boolean {
  return (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k";
}
