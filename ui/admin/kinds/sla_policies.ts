import type { components } from "../../wire/api";
import { kindOf } from "../form/fields";
import { t } from "../words";
import { PRIORITIES } from "./words";

type Schemas = components["schemas"];
type Targets = Partial<Record<Schemas["Priority"], Schemas["SlaTargets"]>>;
/** The API describes the targets as an object of any names; these are the ones it takes. */
type Form = Omit<Schemas["SlaPolicySpec"], "targets"> & { targets: Targets };

export const slaPolicies = kindOf<Form, Schemas["DefinedSlaPolicy"]>({
  path: "/v1/sla-policies",
  one: "sla_policy",
  about: "sla_about",
  fresh: { name: "", is_active: true, order: 0, channel_ids: [], team_ids: [], targets: {}, pause_while_pending: true },
  title: ({ name }) => name,
  facts: ({ is_active, calendar_id, order, description }, names) => [
    is_active === false ? t("inactive") : "",
    calendar_id ? names("calendars", calendar_id) : t("all_hours"),
    t("order_n", { n: order ?? 0 }),
    description ?? "",
  ],
  fields: [
    { name: "name", kind: "text", label: "name" },
    { name: "description", kind: "long", label: "description", isOptional: true },
    { name: "is_active", kind: "flag", label: "is_active" },
    { name: "order", kind: "number", label: "rule_order", hint: "sla_order_hint" },
    {
      name: "targets",
      kind: "each",
      label: "sla_targets",
      hint: "sla_targets_hint",
      options: PRIORITIES,
      fields: [
        { name: "first_response_seconds", kind: "span", label: "sla_first_response", isOptional: true },
        { name: "next_response_seconds", kind: "span", label: "sla_next_response", isOptional: true },
        { name: "resolution_seconds", kind: "span", label: "sla_resolution", isOptional: true },
      ],
    },
    { name: "calendar_id", kind: "reference", to: "calendars", label: "calendar", hint: "sla_calendar_hint", isOptional: true },
    { name: "warn_before_seconds", kind: "span", label: "warn_before", isOptional: true },
    { name: "pause_while_pending", kind: "flag", label: "pause_while_pending" },
    { name: "channel_ids", kind: "references", to: "channels", label: "channels", hint: "none_is_every_channel" },
    { name: "team_ids", kind: "references", to: "teams", label: "teams", hint: "none_is_every_team" },
  ],
});
