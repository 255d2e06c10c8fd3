/** A bot rule as the form has it, and as the API takes it. */
import type { components } from "../../wire/api";

type Schemas = components["schemas"];
type Asked = { name: string; question?: string | null };
type Actions = Omit<Schemas["BotActions"], "collect_info"> & { collect_info?: Asked[] | null };
/** Information to ask for is a name, or a name and a question: in the form it always has both. */
export type Form = Omit<Schemas["BotRuleSpec"], "actions"> & { actions: Actions };

export function asked(fields: readonly Schemas["InfoField"][] | null | undefined): Asked[] {
  return (fields ?? []).map((field) => (typeof field === "string" ? { name: field, question: null } : field));
}

export function asBotRule({ actions, ...rule }: Form): Schemas["BotRuleSpec"] {
  const fields = (actions.collect_info ?? []).map(({ name, question }) => (question ? { name, question } : name));
  return { ...rule, actions: { ...actions, collect_info: fields.length > 0 ? fields : null } };
}
