/** The names of the items that others refer to, fetched when a field first asks for them. */
import { getContext, setContext } from "svelte";
import { SvelteMap } from "svelte/reactivity";
import type { Desk } from "../../wire/desk.svelte";
import { fetchAll } from "./items";
import type { Item, Reference } from "./fields";

const CONTEXT = Symbol("names");
const NAME_OF: Record<Reference, (item: Item) => unknown> = {
  teams: ({ name }) => name,
  agents: ({ name }) => name,
  channels: ({ name }) => name,
  calendars: ({ name }) => name,
  "canned-responses": ({ short_code, title }) => `${short_code} ${title}`,
};

export class Names {
  /** Made before they are read: what is made while a page is computed would not update it. */
  private known = Object.fromEntries(Object.keys(NAME_OF).map((to) => [to, new SvelteMap()])) as Record<Reference, SvelteMap<string, string>>;
  private asked = new Set<Reference>();

  constructor(private desk: Desk) {
    desk.socket.on("catalogue:changed", this.changed);
  }

  /** The names by id, in their order. */
  of(to: Reference): SvelteMap<string, string> {
    if (!this.asked.has(to)) {
      this.asked.add(to);
      void this.fetch(to);
    }
    return this.known[to];
  }

  /** The name of one, or nothing while it is not known. */
  nameOf = (to: Reference, id: unknown): string => this.of(to).get(String(id)) ?? "";

  close() {
    this.desk.socket.off("catalogue:changed", this.changed);
  }

  private changed = ({ kind }: { kind: string }) => {
    const to = kind.replaceAll("_", "-") as Reference;
    if (this.asked.has(to)) void this.fetch(to);
  };

  /** Without the names, the ids are shown. */
  private async fetch(to: Reference) {
    const items = await fetchAll(this.desk, `/v1/${to}`).catch(() => undefined);
    if (!items) return;
    const names = this.known[to];
    names.clear();
    const named = items.map((item): [string, string] => [item.id, String(NAME_OF[to](item) ?? item.id)]);
    for (const [id, name] of named.sort(([, a], [, b]) => a.localeCompare(b))) names.set(id, name);
  }
}

export function provideNames(names: Names) {
  setContext(CONTEXT, names);
}

export function namesOfPage(): Names {
  return getContext(CONTEXT);
}
