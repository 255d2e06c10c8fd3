/** The search for people, conversations and messages, and the way to a message that was found. */
import { tick } from "svelte";
import type { components } from "./api";
import type { Client } from "./client";
import type { Thread } from "./thread.svelte";

type Schemas = components["schemas"];
export type Segment = Schemas["SearchSegment"];
export type Found = Schemas["SearchResult"];
export type Searched = { found: Found } | { refused: string };

/** The results of each kind that are fetched at once. */
const SHOWN = 8;
/** How often a conversation that is being fetched is looked at, in milliseconds. */
const LOOK_MS = 50;
const MOST_LOOKS = 100;

/** Undefined when the search was given up. */
export async function search(api: Client, q: string, signal: AbortSignal): Promise<Searched | undefined> {
  try {
    const { data, error } = await api.GET("/v1/search", { params: { query: { q, limit: SHOWN } }, signal });
    if (signal.aborted) return undefined;
    return data ? { found: data } : { refused: error?.detail ?? error?.title ?? "" };
  } catch (failure) {
    return signal.aborted ? undefined : { refused: String(failure) };
  }
}

/** The address of a message that was found. */
export function addressOf(conversation: string, message?: string): string {
  return `#/conversations/${conversation}${message === undefined ? "" : `/messages/${message}`}`;
}

/**
 * Fetches earlier messages until this one is there, and lets the page `show` it. `isCurrent` tells whether the reader still
 * waits for it.
 */
export async function reach(thread: Thread, message: string, isCurrent: () => boolean, show: (id: string) => void): Promise<void> {
  while (isCurrent() && !thread.find(message)) {
    if (thread.isMissing) return;
    if (!thread.isFetched) await new Promise((look) => setTimeout(look, LOOK_MS));
    else if (thread.older === undefined) return;
    else await thread.fetchOlder();
  }
  await tick();
  let shown: HTMLElement | null = null;
  // A message out of sight is put into the page when the reader is led to it.
  for (let looks = 0; !shown && looks < MOST_LOOKS; looks += 1) {
    if (!isCurrent()) return;
    show(message);
    await new Promise((look) => setTimeout(look, LOOK_MS));
    shown = document.querySelector<HTMLElement>(`article[data-id="${CSS.escape(message)}"]`);
  }
  if (!shown || !isCurrent()) return;
  shown.tabIndex = -1;
  shown.focus({ preventScroll: true });
}
