/** The filter of a view as an editor has it: a tree of groups and conditions, each of which can be turned round. */
import type { components } from "./api";

type Schemas = components["schemas"];
export type SavedView = Schemas["DefinedSavedView"];
export type ViewFilter = Schemas["ViewFilter"];
export type ViewSort = Schemas["ViewSort"];

/** Conditions with several values, of which a conversation has one. */
export const CHOICES = ["status", "assignee", "team", "channel", "channel_type", "priority", "sla_state"] as const;
/** Conditions with several words that the author writes. */
export const TEXTS = ["label", "language"] as const;
/** Conditions with a span of time. */
export const SPANS = ["unanswered_for", "sla_due_within", "active_within", "created_within"] as const;
export const FIELDS = [...CHOICES, ...TEXTS, "unread", ...SPANS, "custom"] as const;
export type Field = (typeof FIELDS)[number];

/** `path` is the part of the filter as a problem of the server names it. */
type Part = { key: number; isNot: boolean; path: string };
export type Condition = Part & {
  field: Field;
  values: string[];
  seconds: number;
  isUnread: boolean;
  name: string;
  value: string;
};
export type Group = Part & { join: "all" | "any"; parts: (Group | Condition)[] };

let keys = 0;

export function isGroup(part: Group | Condition): part is Group {
  return "join" in part;
}

export function isOneOf<T extends string>(names: readonly T[], name: string): name is T {
  return (names as readonly string[]).includes(name);
}

export function newGroup(join: Group["join"], parts: Group["parts"] = []): Group {
  return { key: keys++, isNot: false, path: "", join, parts };
}

export function newCondition(field: Field): Condition {
  return { key: keys++, isNot: false, path: "", field, values: [], seconds: 3600, isUnread: true, name: "", value: "" };
}

/** The group that a filter is. A single condition is a group of one. */
export function groupOf(filter: ViewFilter): Group {
  const part = partOf(filter);
  return isGroup(part) && !part.isNot ? part : newGroup("all", [part]);
}

function partOf(filter: ViewFilter): Group | Condition {
  const [name, value] = Object.entries(filter)[0]!;
  if (name === "not") {
    const part = partOf(value);
    // What is turned round twice is a group of its own.
    return part.isNot ? { ...newGroup("all", [part]), isNot: true } : { ...part, isNot: true };
  }
  if (name === "all" || name === "any") return newGroup(name, value.map(partOf));
  const condition = newCondition(name as Field);
  if (name === "unread") condition.isUnread = value;
  else if (isOneOf(SPANS, name)) condition.seconds = value;
  else if (name === "custom") Object.assign(condition, value);
  else condition.values = value;
  return condition;
}

/** The filter of a group. Each part keeps where in the filter it is. */
export function filterOf(part: Group | Condition, path = "filter"): ViewFilter {
  part.path = path;
  const own = part.isNot ? `${path}.not` : path;
  const filter = isGroup(part)
    ? { [part.join]: part.parts.map((inner, index) => filterOf(inner, `${own}.${part.join}[${index}]`)) }
    : { [part.field]: valueOf(part) };
  return (part.isNot ? { not: filter } : filter) as ViewFilter;
}

function valueOf({ field, values, seconds, isUnread, name, value }: Condition) {
  if (field === "unread") return isUnread;
  if (isOneOf(SPANS, field)) return seconds;
  return field === "custom" ? { name, value } : values;
}

/** The part that a problem is about: the innermost one that has its field. */
export function partAt(group: Group, field: string): Group | Condition | undefined {
  const isIn = ({ path }: Part) => field === path || field.startsWith(`${path}.`) || field.startsWith(`${path}[`);
  if (!isIn(group)) return undefined;
  for (const part of group.parts) {
    const found = isGroup(part) ? partAt(part, field) : isIn(part) ? part : undefined;
    if (found) return found;
  }
  return group;
}
