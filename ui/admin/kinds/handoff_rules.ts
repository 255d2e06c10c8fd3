import type { components } from "../../wire/api";
import { kindOf } from "../form/fields";
import { t } from "../words";

type Schemas = components["schemas"];

const TRIGGERS = {
  keyword: "handoff_keyword",
  intent: "handoff_intent",
  sentiment: "handoff_sentiment",
  timeout: "handoff_timeout",
  confidence: "handoff_confidence",
  manual: "handoff_manual",
  turns: "handoff_turns",
} as const;

export const handoffRules = kindOf<Schemas["HandoffRuleSpec"], Schemas["DefinedHandoffRule"]>({
  path: "/v1/handoff-rules",
  one: "handoff_rule",
  about: "handoff_about",
  fresh: { name: "", trigger_type: "keyword", priority: 0, is_active: true },
  title: ({ name }) => name,
  facts: ({ is_active, trigger_type, trigger_value, priority }) => [
    is_active === false ? t("inactive") : "",
    t(TRIGGERS[trigger_type]),
    trigger_value ?? "",
    t("order_n", { n: priority ?? 0 }),
  ],
  fields: [
    { name: "name", kind: "text", label: "name" },
    { name: "is_active", kind: "flag", label: "is_active" },
    { name: "priority", kind: "number", label: "rule_order", hint: "bot_order_hint" },
    { name: "trigger_type", kind: "choice", options: TRIGGERS, label: "trigger" },
    {
      name: "trigger_value",
      kind: "text",
      label: "trigger_value",
      hint: "trigger_value_hint",
      isOptional: true,
      when: ({ trigger_type }) => trigger_type !== "manual",
    },
    { name: "target_team_id", kind: "reference", to: "teams", label: "target_team", isOptional: true },
    { name: "message_template", kind: "long", label: "handoff_message", hint: "placeholders_hint", isOptional: true },
  ],
});
