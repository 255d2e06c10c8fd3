import type { components } from "../../wire/api";
import { kindOf } from "../form/fields";
import { t } from "../words";
import { SCHEDULE } from "./calendars";
import { CHANNEL_TYPES, OWN_ZONE } from "./words";

type Schemas = components["schemas"];

/** What routing knows of each agent. */
export const preferences = kindOf<Schemas["PreferencesChange"], Schemas["AgentPreferences"]>({
  path: "/v1/agent-preferences",
  one: "agent",
  about: "preferences_about",
  isFixed: true,
  fresh: {},
  title: ({ id }, names) => names("agents", id) || id,
  facts: ({ is_available, active_conversations, max_concurrent_conversations }) => [
    is_available === false ? t("cannot_unavailable") : "",
    t("can_take", { active: active_conversations, most: max_concurrent_conversations ?? 0 }),
  ],
  fields: [
    { name: "is_available", kind: "flag", label: "is_available", hint: "is_available_hint" },
    { name: "max_concurrent_conversations", kind: "number", label: "most_conversations" },
    { name: "auto_accept", kind: "flag", label: "auto_accept", hint: "auto_accept_hint" },
    { name: "available_channels", kind: "choices", options: CHANNEL_TYPES, label: "channels", hint: "none_is_every_channel" },
    { name: "languages", kind: "texts", label: "languages", hint: "languages_hint" },
    { name: "available_topics", kind: "texts", label: "topics", hint: "topics_hint" },
    {
      name: "available_hours",
      kind: "group",
      label: "working_hours",
      fresh: { timezone: OWN_ZONE, schedule: [{ days: ["mon", "tue", "wed", "thu", "fri"], start: "09:00", end: "17:00" }] },
      fields: [{ name: "timezone", kind: "zone", label: "timezone" }, SCHEDULE],
    },
    {
      name: "leave",
      kind: "rows",
      label: "leave",
      add: "add_leave",
      fresh: { from: "", until: "" },
      fields: [
        { name: "from", kind: "date", label: "from_day" },
        { name: "until", kind: "date", label: "until_day" },
      ],
    },
  ],
});
