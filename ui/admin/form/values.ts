/** Values of a form: from an item, to a request, and compared with those of another person. */
import type { AnyField, Item, Kind, Values } from "./fields";

export function same(a: unknown, b: unknown): boolean {
  return sorted(a) === sorted(b);
}

/** JSON in which the order of members does not matter, and absent ones are `null`. */
function sorted(value: unknown): string {
  return JSON.stringify(value ?? null, (_, part) => {
    if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
    const members = Object.entries(part).filter(([, member]) => member !== null && member !== undefined);
    return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** The values of an item that the form has fields for. */
export function valuesOf(kind: Kind, item: Item): Values {
  const read = kind.read ? kind.read(item) : item;
  return Object.fromEntries(kind.fields.map(({ name }) => [name, read[name] ?? null]));
}

export function freshValues(kind: Kind): Values {
  return Object.fromEntries(kind.fields.map(({ name }) => [name, kind.fresh[name] ?? null]));
}

/** What a request for a new item has: not what is empty. */
export function asSpec(kind: Kind, values: Values): Values {
  const written = kind.write ? kind.write(values) : values;
  return Object.fromEntries(Object.entries(written).filter(([, value]) => value !== null && value !== undefined));
}

/** What a request for a change has: the members that are different. */
export function asPatch(kind: Kind, before: Values, after: Values): Values {
  const written = kind.write ? kind.write(after) : after;
  const changed = new Set(changedFields(kind, before, after).map(({ name }) => name));
  return Object.fromEntries(Object.entries(written).filter(([name]) => changed.has(name)));
}

export function changedFields(kind: Kind, before: Values, after: Values): AnyField[] {
  return kind.fields.filter(({ name }) => !same(before[name], after[name]));
}

/** Ours where we changed something, theirs elsewhere. */
export function rebased(kind: Kind, before: Values, ours: Values, theirs: Values): Values {
  const own = new Set(changedFields(kind, before, ours).map(({ name }) => name));
  return Object.fromEntries(kind.fields.map(({ name }) => [name, own.has(name) ? ours[name] : theirs[name]]));
}
