/** The API's refusals, each at the field that it is about. */
import { getContext, setContext } from "svelte";
import { SvelteSet } from "svelte/reactivity";
import type { Problem } from "../../wire/client";

const CONTEXT = Symbol("refusals");

function isWithin(path: string, outer: string): boolean {
  return path === outer || path.startsWith(`${outer}.`) || path.startsWith(`${outer}[`);
}

export class Refusals {
  private list = $state.raw<{ path: string; words: string }[]>([]);
  /** The paths of the fields that are shown. */
  private shown = new SvelteSet<string>();

  /** Takes the errors of a problem document. `prefix` is before the paths of the form's fields. */
  take(problem: Problem, prefix = /^$/) {
    const errors = problem.errors?.length ? problem.errors : [{ field: problem.field ?? "", detail: problem.detail ?? problem.title }];
    this.list = errors.map(({ field, detail }) => {
      const path = field.replace(prefix, "");
      return { path, words: sentence(detail, field) };
    });
  }

  clear() {
    this.list = [];
  }

  /** The refusal of a field, or of a part of it that has no field of its own. */
  at(path: string): string | undefined {
    const found = this.list.filter((refusal) => this.place(refusal.path) === path);
    return found.length === 0 ? undefined : found.map(({ words }) => words).join(" ");
  }

  /** The refusals of no field. */
  get elsewhere(): string | undefined {
    return this.at("");
  }

  /** The innermost field that has this path. */
  private place(path: string): string {
    let best = "";
    for (const shown of this.shown) if (isWithin(path, shown) && shown.length > best.length) best = shown;
    return best;
  }

  /** The component that calls this shows the refusals of these paths. */
  show(paths: () => string[]) {
    $effect(() => {
      const own = paths();
      for (const path of own) this.shown.add(path);
      return () => own.forEach((path) => this.shown.delete(path));
    });
  }
}

/** "`name`: must not be empty." as it reads beside the field. */
function sentence(detail: string, field: string): string {
  const begin = `\`${field}\``;
  if (!detail.startsWith(begin)) return detail;
  const rest = detail.slice(begin.length).replace(/^:?\s*/, "");
  return rest.charAt(0).toUpperCase() + rest.slice(1);
}

export function provideRefusals(refusals: Refusals) {
  setContext(CONTEXT, refusals);
}

export function refusalsOfForm(): Refusals {
  return getContext(CONTEXT);
}
