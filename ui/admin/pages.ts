/** The pages of administration. One line here adds a page. */
import type { Component } from "svelte";
import type { Desk } from "../wire/desk.svelte";
import type { Kind } from "./form/fields";
import { automationRules } from "./kinds/automation_rules";
import { botRules } from "./kinds/bot_rules";
import { botSettings } from "./kinds/bot_settings";
import { calendars } from "./kinds/calendars";
import { cannedResponses } from "./kinds/canned_responses";
import { channels } from "./kinds/channels";
import { handoffRules } from "./kinds/handoff_rules";
import { macros } from "./kinds/macros";
import { preferences } from "./kinds/preferences";
import { queues } from "./kinds/queues";
import { slaPolicies } from "./kinds/sla_policies";
import { teams } from "./kinds/teams";
import ApiKeys from "./ApiKeys.svelte";
import Audit from "./Audit.svelte";
import Notifications from "./Notifications.svelte";
import Rejections from "./Rejections.svelte";
import type { Key } from "./words";

/** The least role that is shown the page. The API decides who may do what. */
export type Least = "agent" | "supervisor" | "administrator";
export type Page = { name: string; title: Key; least: Least } & (
  | { kind: Kind }
  /** `id` is what follows the page's name in the address. */
  | { component: Component<{ desk: Desk; address: string; id: string | undefined }> }
);

export const GROUPS: { title: Key; pages: Page[] }[] = [
  {
    title: "group_channels",
    pages: [
      { name: "channels", title: "channels", least: "administrator", kind: channels },
      { name: "rejected-webhooks", title: "rejections", least: "administrator", component: Rejections },
    ],
  },
  {
    title: "group_work",
    pages: [
      { name: "teams", title: "teams", least: "supervisor", kind: teams },
      { name: "queues", title: "queues", least: "supervisor", kind: queues },
      { name: "agents", title: "routing_preferences", least: "administrator", kind: preferences },
      { name: "sla-policies", title: "sla_policies", least: "supervisor", kind: slaPolicies },
      { name: "calendars", title: "calendars", least: "supervisor", kind: calendars },
    ],
  },
  {
    title: "group_answers",
    pages: [
      { name: "canned-responses", title: "suggest_canned", least: "agent", kind: cannedResponses },
      { name: "macros", title: "macros", least: "agent", kind: macros },
      { name: "automation-rules", title: "automation_rules", least: "supervisor", kind: automationRules },
    ],
  },
  {
    title: "group_bot",
    pages: [
      { name: "bot-rules", title: "bot_rules", least: "supervisor", kind: botRules },
      { name: "handoff-rules", title: "handoff_rules", least: "supervisor", kind: handoffRules },
      { name: "bot-settings", title: "bot_settings", least: "supervisor", kind: botSettings },
    ],
  },
  {
    title: "group_account",
    pages: [
      { name: "api-keys", title: "api_keys", least: "administrator", component: ApiKeys },
      { name: "audit", title: "audit", least: "supervisor", component: Audit },
    ],
  },
  { title: "group_own", pages: [{ name: "notifications", title: "notifications", least: "agent", component: Notifications }] },
];

const RANKS: Record<string, number> = { agent: 0, supervisor: 1, administrator: 2, owner: 2 };

export function mayOpen(role: string | undefined, { least }: Page): boolean {
  return (RANKS[role ?? ""] ?? 0) >= RANKS[least]!;
}
