/** The routes of the catalogues. Their paths are data here, so the calls are not typed by the path. */
import { freshKey, type Problem } from "../../wire/client";
import type { Desk } from "../../wire/desk.svelte";
import type { Item, Kind, Values } from "./fields";

type Options = { params?: { query?: Values; header?: Values }; body?: unknown };
type Answer = { data?: any; error?: unknown; response: Response };
type Method = "GET" | "POST" | "PATCH" | "DELETE";
type Untyped = Record<Method, (path: string, options: Options) => Promise<Answer>>;

/** What the API answered: a value, or why not. */
export type Outcome<T> = { value: T; problem?: undefined } | { value?: undefined; problem: Problem };

/** The position of the newest command of a desk: what is fetched later includes it. */
const positions = new WeakMap<Desk, string>();

export async function ask<T>(desk: Desk, method: Method, path: string, { params, body }: Options = {}): Promise<Outcome<T>> {
  const after = method === "GET" ? positions.get(desk) : undefined;
  const header = { ...params?.header, ...(after === undefined ? {} : { "Verbatim-After": after }) };
  try {
    const options = { params: { ...params, header }, body };
    const { data, error, response } = await (desk.api as unknown as Untyped)[method](path, options);
    if (!response.ok) return { problem: { type: "", title: response.statusText, status: response.status, ...(error as object) } };
    if (method !== "GET" && typeof data?.position === "string") positions.set(desk, data.position);
    return { value: data as T };
  } catch {
    return { problem: { type: "/problems/unreachable", title: "", status: 0 } };
  }
}

/** Every item of a catalogue. Throws the problem when they cannot be fetched. */
export async function fetchAll(desk: Desk, path: string): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const query = cursor === undefined ? {} : { cursor };
    const answer = await ask<{ data: Item[]; next_cursor?: string }>(desk, "GET", path, { params: { query } });
    if (answer.problem) throw answer.problem;
    items.push(...answer.value.data);
    cursor = answer.value.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}

export function addressOf(kind: Kind, id: string): string {
  return kind.isSingle ? kind.path : `${kind.path}/${id}`;
}

export function fetchOne(desk: Desk, kind: Kind, id: string): Promise<Outcome<Item>> {
  return ask(desk, "GET", addressOf(kind, id));
}

/** Makes an item. The same key makes it once. */
export function create(desk: Desk, kind: Kind, body: Values, key: string): Promise<Outcome<Item>> {
  return ask(desk, "POST", kind.path, { params: { header: { "Idempotency-Key": key } }, body });
}

/** Changes the item if it still has this version. */
export function change(desk: Desk, kind: Kind, { id, version }: Item, body: Values, key: string): Promise<Outcome<Item>> {
  return ask(desk, "PATCH", addressOf(kind, id), { params: { header: { "Idempotency-Key": key, ...unchanged(version) } }, body });
}

export function remove(desk: Desk, kind: Kind, { id, version }: Item): Promise<Outcome<Item>> {
  return ask(desk, "DELETE", addressOf(kind, id), { params: { header: { "Idempotency-Key": freshKey(), ...unchanged(version) } } });
}

function unchanged(version: number | null | undefined): Values {
  return version === undefined || version === null ? {} : { "If-Match": `"${version}"` };
}
