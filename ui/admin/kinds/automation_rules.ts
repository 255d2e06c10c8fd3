import type { components } from "../../wire/api";
import { kindOf, type Field } from "../form/fields";
import { counted, t } from "../words";
import { ACTIONS } from "./actions";
import AutomationDryRun from "./AutomationDryRun.svelte";
import { CHANNEL_TYPES, METRICS, OWN_ZONE, PRIORITIES, STATUSES } from "./words";

type Schemas = components["schemas"];

const EVENTS = {
  conversation_created: "event_conversation_created",
  conversation_updated: "event_conversation_updated",
  conversation_resolved: "event_conversation_resolved",
  message_received: "event_message_received",
  message_sent: "event_message_sent",
  waiting_longer_than: "event_waiting_longer_than",
  sla_warning: "event_sla_warning",
  sla_breached: "event_sla_breached",
} as const;

const isOfMessage = (_: unknown, { event }: { event: string }) => event === "message_received" || event === "message_sent";
const isOfSla = (_: unknown, { event }: { event: string }) => event === "sla_warning" || event === "sla_breached";

/** The part of the day of automation and bot rules. */
export const TIME_RANGE: Field<{ time_range?: Schemas["TimeRange"] | null }> = {
  name: "time_range",
  kind: "group",
  label: "time_range",
  fresh: { start: "18:00", end: "08:00", tz: OWN_ZONE },
  fields: [
    { name: "start", kind: "time", label: "starts" },
    { name: "end", kind: "time", label: "ends" },
    { name: "tz", kind: "zone", label: "timezone" },
  ],
};

export const automationRules = kindOf<Schemas["AutomationRuleSpec"], Schemas["DefinedAutomationRule"]>({
  path: "/v1/automation-rules",
  one: "automation_rule",
  about: "automation_about",
  fresh: { name: "", priority: 0, is_active: true, event: "message_received", conditions: { match_mode: "any" }, actions: [] },
  beside: AutomationDryRun,
  title: ({ name }) => name,
  facts: ({ is_active, event, actions, priority }) => [
    is_active === false ? t("inactive") : "",
    t(EVENTS[event]),
    counted("actions_n", actions.length),
    t("order_n", { n: priority ?? 0 }),
  ],
  fields: [
    { name: "name", kind: "text", label: "name" },
    { name: "description", kind: "long", label: "description", isOptional: true },
    { name: "is_active", kind: "flag", label: "is_active" },
    { name: "priority", kind: "number", label: "rule_order", hint: "rule_order_hint" },
    { name: "event", kind: "choice", options: EVENTS, label: "event" },
    { name: "waiting_seconds", kind: "span", label: "waiting_seconds", isOptional: true, when: ({ event }) => event === "waiting_longer_than" },
    {
      name: "conditions",
      kind: "group",
      label: "conditions",
      hint: "conditions_hint",
      fields: [
        { name: "keywords", kind: "texts", label: "keywords", hint: "one_per_line", isOptional: true, when: isOfMessage },
        { name: "match_mode", kind: "choice", options: { any: "match_any", all: "match_all" }, label: "match_mode", when: isOfMessage },
        { name: "channels", kind: "choices", options: CHANNEL_TYPES, label: "channels", isOptional: true },
        { name: "statuses", kind: "choices", options: STATUSES, label: "statuses", isOptional: true },
        { name: "priorities", kind: "choices", options: PRIORITIES, label: "priorities", isOptional: true },
        { name: "assignee", kind: "choice", options: { none: "held_none", any: "held_any" }, label: "assignee", isOptional: true },
        { name: "team_ids", kind: "references", to: "teams", label: "teams", isOptional: true },
        { name: "labels", kind: "texts", label: "with_labels", hint: "one_per_line", isOptional: true },
        { name: "without_labels", kind: "texts", label: "without_labels", hint: "one_per_line", isOptional: true },
        { name: "language", kind: "language", label: "customer_language", hint: "customer_language_hint", isOptional: true },
        { name: "sla_metrics", kind: "choices", options: METRICS, label: "sla_metrics", isOptional: true, when: isOfSla },
        TIME_RANGE,
      ],
    },
    ACTIONS,
  ],
});
