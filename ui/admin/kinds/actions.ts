/** The actions of macros and automation rules. */
import type { components } from "../../wire/api";
import type { Field } from "../form/fields";
import { PRIORITIES, STRATEGIES } from "./words";

type Schemas = components["schemas"];
type WithActions = { actions: Schemas["Action"][] };

export const ACTIONS: Field<WithActions> = {
  name: "actions",
  kind: "variants",
  label: "actions",
  add: "add_action",
  variants: {
    reply: {
      label: "action_reply",
      fresh: { type: "reply", text: "" },
      fields: [
        { name: "text", kind: "long", label: "content", hint: "placeholders_hint", isOptional: true, when: (action) => !action.canned_response_id },
        { name: "canned_response_id", kind: "reference", to: "canned-responses", label: "canned_response", isOptional: true, when: (action) => !action.text },
      ],
    },
    note: { label: "action_note", fresh: { type: "note", text: "" }, fields: [{ name: "text", kind: "long", label: "content" }] },
    assign_team: {
      label: "action_assign_team",
      fresh: { type: "assign_team", team_id: "" },
      fields: [{ name: "team_id", kind: "reference", to: "teams", label: "team" }],
    },
    assign_agent: {
      label: "action_assign_agent",
      fresh: { type: "assign_agent", agent_id: "" },
      fields: [{ name: "agent_id", kind: "reference", to: "agents", label: "agent" }],
    },
    route: {
      label: "action_route",
      fresh: { type: "route", strategy: "least_busy" },
      fields: [
        { name: "strategy", kind: "choice", options: STRATEGIES, label: "strategy" },
        { name: "team_id", kind: "reference", to: "teams", label: "team", isOptional: true },
      ],
    },
    unassign: {
      label: "action_unassign",
      fresh: { type: "unassign", agent: true, team: false },
      fields: [
        { name: "agent", kind: "flag", label: "unassign_agent" },
        { name: "team", kind: "flag", label: "unassign_team" },
      ],
    },
    add_labels: {
      label: "action_add_labels",
      fresh: { type: "add_labels", labels: [] },
      fields: [{ name: "labels", kind: "texts", label: "labels", hint: "one_per_line" }],
    },
    remove_labels: {
      label: "action_remove_labels",
      fresh: { type: "remove_labels", labels: [] },
      fields: [{ name: "labels", kind: "texts", label: "labels", hint: "one_per_line" }],
    },
    set_priority: {
      label: "action_set_priority",
      fresh: { type: "set_priority", priority: "high" },
      fields: [{ name: "priority", kind: "choice", options: PRIORITIES, label: "priority" }],
    },
    snooze: {
      label: "action_snooze",
      fresh: { type: "snooze", for_seconds: 3600 },
      fields: [
        { name: "for_seconds", kind: "span", label: "snooze_for", isOptional: true, when: (action) => !action.until },
        { name: "until", kind: "moment", label: "snooze_until", isOptional: true, when: (action) => !action.for_seconds },
      ],
    },
    resolve: { label: "action_resolve", fresh: { type: "resolve" }, fields: [{ name: "reason", kind: "text", label: "reason", isOptional: true }] },
    reopen: { label: "action_reopen", fresh: { type: "reopen" }, fields: [{ name: "reason", kind: "text", label: "reason", isOptional: true }] },
    webhook: {
      label: "action_webhook",
      fresh: { type: "webhook", url: "https://" },
      fields: [{ name: "url", kind: "address", label: "address", hint: "webhook_hint" }],
    },
  },
};
