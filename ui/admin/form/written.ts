/** A field's value in a few words. */
import { listed, span } from "../../wire/words.svelte";
import { t } from "../words";
import type { AnyField } from "./fields";
import type { Names } from "./names.svelte";

/** Longer texts are cut. */
const MOST = 80;

export function written(field: AnyField, value: unknown, names: Names): string {
  if (value === null || value === undefined || value === "") return t("none");
  const words = inWords(field, value, names);
  return words.length > MOST ? `${words.slice(0, MOST)}…` : words;
}

function inWords(field: AnyField, value: unknown, names: Names): string {
  switch (field.kind) {
    case "flag":
      return value ? t("yes") : t("no");
    case "span":
      return span(Number(value) * 1000);
    case "choice":
      return t(field.options[String(value)] ?? "none");
    case "reference":
      return names.of(field.to).get(String(value)) ?? String(value);
    case "choices":
      return list(value, (word) => t(field.options[word] ?? "none"));
    case "references":
      return list(value, (id) => names.of(field.to).get(id) ?? id);
    case "texts":
      return list(value, (text) => text);
    case "rows":
    case "variants":
      return t("entries", { n: (value as unknown[]).length });
    case "secret":
    case "group":
    case "each":
    case "numbers":
      return t("other_values");
    default:
      return String(value);
  }
}

function list(value: unknown, write: (word: string) => string): string {
  const words = (value as string[]).map(write);
  return words.length === 0 ? t("none") : listed(words);
}
