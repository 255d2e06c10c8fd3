/**
 * Descriptions of the fields of an item. The names of fields and the words of choices are those of the API's own types, so
 * that a field which the API does not have, or a word that is missing here, does not compile.
 */
import type { Component } from "svelte";
import type { Key } from "../words";

export type Values = Record<string, unknown>;
/** The catalogues that a field can refer to. */
export type Reference = "teams" | "agents" | "channels" | "calendars" | "canned-responses";

type Words<V> = Record<NonNullable<V> & string, Key>;
type Element<V> = NonNullable<V> extends readonly (infer E)[] ? E : never;
type Entry<V> = NonNullable<V> extends Record<string, infer E> ? NonNullable<E> : never;

type Common = {
  label: Key;
  hint?: Key;
  /** Whether the field is shown, by the values beside it and those of the whole item. */
  when?: (beside: any, whole: any) => boolean;
  /** Can be set only when the item is made. */
  isFixed?: boolean;
};
/** `isOptional`: an empty field is `null`. */
type Simple =
  | { kind: "text" | "long" | "address" | "time" | "date" | "zone" | "language"; isOptional?: boolean }
  /** A text that no answer shows. `isStored` says whether there is one, by its name. */
  | { kind: "secret"; isStored?: (name: string, saved: any) => boolean }
  | { kind: "number"; step?: number; isOptional?: boolean }
  /** A number of seconds. */
  | { kind: "span"; isOptional?: boolean }
  | { kind: "moment"; isOptional?: boolean }
  | { kind: "flag" }
  /** Texts, one in each line. */
  | { kind: "texts"; isOptional?: boolean }
  | { kind: "reference"; to: Reference; isOptional?: boolean }
  | { kind: "references"; to: Reference; isOptional?: boolean }
  /** A number for some of the items referred to. */
  | { kind: "numbers"; to: Reference };

type Structured<V> =
  | { kind: "choice"; options: Words<V>; isOptional?: boolean }
  | { kind: "choices"; options: Words<Element<V>>; isOptional?: boolean }
  /** Fields of an object. When there is `fresh`, the object can be absent. */
  | { kind: "group"; fields: Field<NonNullable<V>>[]; fresh?: NonNullable<V> }
  /** The same fields for each of several words. */
  | { kind: "each"; options: Words<keyof NonNullable<V>>; fields: Field<Entry<V>>[] }
  | { kind: "rows"; fields: Field<Element<V>>[]; fresh: Element<V>; add: Key }
  /** Objects whose `type` says which fields they have. */
  | { kind: "variants"; variants: Variants<Element<V>>; add: Key };

type Variants<E> = E extends { type: string } ? { [K in E["type"]]: Variant<Extract<E, { type: K }>> } : never;
type Variant<E> = { label: Key; fresh: E; fields: Field<E>[] };
/** Variants of a union have one type for all words: each word is taken from the union of types. */
type Named<T, N extends keyof T & string> = Common & { name: N } & (Simple | Structured<T[N]>);
export type Field<T> = T extends readonly unknown[] | string ? never : { [N in keyof T & string]: Named<T, N> }[keyof T & string];

/** A field as the form reads it. */
export type AnyField = Common & { name: string } & (
    | Simple
    | { kind: "choice" | "choices"; options: Record<string, Key>; isOptional?: boolean }
    | { kind: "group"; fields: AnyField[]; fresh?: Values }
    | { kind: "each"; options: Record<string, Key>; fields: AnyField[] }
    | { kind: "rows"; fields: AnyField[]; fresh: Values; add: Key }
    | { kind: "variants"; variants: Record<string, { label: Key; fresh: Values; fields: AnyField[] }>; add: Key }
  );

/** An item as the API answers it. */
export type Item = Values & { id: string; version?: number | null };

/** The name of an item that another refers to. */
export type NameOf = (to: Reference, id: unknown) => string;

/** A kind of item: its routes, its form, and what its list shows. */
export type Kind = {
  /** The path of its catalogue: `/v1/teams`. */
  path: string;
  one: Key;
  /** Words over the list. */
  about: Key;
  fields: AnyField[];
  fresh: Values;
  title: (item: Item, names: NameOf) => string;
  facts: (item: Item, names: NameOf) => string[];
  /** Whether items are neither made nor removed here. */
  isFixed?: boolean;
  /** Whether the account has exactly one, whose path is that of the catalogue. Removing it restores the defaults. */
  isSingle?: boolean;
  /** The item as values of the form, and the values as the API takes them. */
  read?: (item: any) => Values;
  write?: (values: any) => Values;
  /** Stands beside the form. */
  beside?: Component<any>;
};

type Typed<Spec, Defined> = Omit<Kind, "fields" | "fresh" | "title" | "facts" | "read" | "write"> & {
  fields: Field<Spec>[];
  fresh: Partial<Spec>;
  title: (item: Defined, names: NameOf) => string;
  facts: (item: Defined, names: NameOf) => string[];
  read?: (item: Defined) => object;
  write?: (values: any) => object;
};

/** A kind whose fields are those of `Spec`, and whose answers are `Defined`. */
export function kindOf<Spec, Defined>(kind: Typed<Spec, Defined>): Kind {
  return kind as unknown as Kind;
}
