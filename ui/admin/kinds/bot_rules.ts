import type { components } from "../../wire/api";
import { kindOf } from "../form/fields";
import { t } from "../words";
import { TIME_RANGE } from "./automation_rules";
import { asBotRule, asked, type Form } from "./bot_rule_form";
import DryRun from "./DryRun.svelte";
import { CHANNEL_TYPES, PRIORITIES, STRATEGIES } from "./words";

type Schemas = components["schemas"];
const TRIGGERS = {
  keyword: "trigger_keyword",
  time_based: "trigger_time_based",
  channel: "trigger_channel",
  new_conversation: "trigger_new_conversation",
  fallback: "trigger_fallback",
} as const;

export const botRules = kindOf<Form, Schemas["DefinedBotRule"]>({
  path: "/v1/bot-rules",
  one: "bot_rule",
  about: "bot_rules_about",
  fresh: {
    name: "",
    priority: 0,
    is_active: true,
    run_once: true,
    trigger_type: "keyword",
    conditions: { match_mode: "any" },
    actions: { collect_info: [] },
  },
  title: ({ name }) => name,
  facts: ({ is_active, trigger_type, priority }) => [is_active === false ? t("inactive") : "", t(TRIGGERS[trigger_type]), t("order_n", { n: priority ?? 0 })],
  read: ({ actions, ...rule }) => ({ ...rule, actions: { ...actions, collect_info: asked(actions?.collect_info) } }),
  write: asBotRule,
  beside: DryRun,
  fields: [
    { name: "name", kind: "text", label: "name" },
    { name: "is_active", kind: "flag", label: "is_active" },
    { name: "priority", kind: "number", label: "rule_order", hint: "bot_order_hint" },
    { name: "trigger_type", kind: "choice", options: TRIGGERS, label: "trigger" },
    { name: "run_once", kind: "flag", label: "run_once" },
    {
      name: "conditions",
      kind: "group",
      label: "conditions",
      hint: "conditions_hint",
      fields: [
        { name: "keywords", kind: "texts", label: "keywords", hint: "one_per_line", isOptional: true },
        { name: "match_mode", kind: "choice", options: { any: "match_any", all: "match_all" }, label: "match_mode" },
        { name: "channels", kind: "choices", options: CHANNEL_TYPES, label: "channels", isOptional: true },
        { name: "language", kind: "language", label: "customer_language", hint: "customer_language_hint", isOptional: true },
        { name: "labels", kind: "texts", label: "with_labels", hint: "one_per_line", isOptional: true },
        { name: "intent", kind: "text", label: "intent", hint: "intent_hint", isOptional: true },
        { name: "confidence_min", kind: "number", step: 0.05, label: "confidence_min", hint: "confidence_hint", isOptional: true },
        TIME_RANGE,
      ],
    },
    {
      name: "actions",
      kind: "group",
      label: "actions",
      fields: [
        { name: "reply_text", kind: "long", label: "action_reply", hint: "placeholders_hint", isOptional: true },
        { name: "reply_template_id", kind: "reference", to: "canned-responses", label: "reply_canned", isOptional: true },
        {
          name: "collect_info",
          kind: "rows",
          label: "collect_info",
          hint: "collect_info_hint",
          add: "add_question",
          fresh: { name: "", question: null },
          fields: [
            { name: "name", kind: "text", label: "field_name" },
            { name: "question", kind: "text", label: "question", isOptional: true },
          ],
        },
        { name: "set_labels", kind: "texts", label: "action_add_labels", hint: "one_per_line", isOptional: true },
        { name: "set_priority", kind: "choice", options: PRIORITIES, label: "action_set_priority", isOptional: true },
        { name: "assign_team_id", kind: "reference", to: "teams", label: "action_assign_team", isOptional: true },
        { name: "assign_strategy", kind: "choice", options: STRATEGIES, label: "strategy", isOptional: true },
      ],
    },
  ],
});
