import type { components } from "../../wire/api";
import { kindOf, type Field } from "../form/fields";
import { counted } from "../words";
import { OWN_ZONE, WEEKDAYS } from "./words";

type Schemas = components["schemas"];

/** The hours of every week, of a calendar or an agent. */
export const SCHEDULE: Field<{ schedule: Schemas["WeeklyHours"][] }> = {
  name: "schedule",
  kind: "rows",
  label: "schedule",
  hint: "schedule_hint",
  add: "add_hours",
  fresh: { days: ["mon", "tue", "wed", "thu", "fri"], start: "09:00", end: "17:00" },
  fields: [
    { name: "days", kind: "choices", options: WEEKDAYS, label: "days" },
    { name: "start", kind: "time", label: "starts" },
    { name: "end", kind: "time", label: "ends" },
  ],
};

export const calendars = kindOf<Schemas["CalendarSpec"], Schemas["DefinedBusinessCalendar"]>({
  path: "/v1/calendars",
  one: "calendar",
  about: "calendars_about",
  fresh: {
    name: "",
    timezone: OWN_ZONE,
    schedule: [{ days: ["mon", "tue", "wed", "thu", "fri"], start: "09:00", end: "17:00" }],
    holidays: [],
  },
  title: ({ name }) => name,
  facts: ({ timezone, holidays }) => [timezone, counted("holidays_n", holidays?.length ?? 0)],
  fields: [
    { name: "name", kind: "text", label: "name" },
    { name: "timezone", kind: "zone", label: "timezone" },
    SCHEDULE,
    {
      name: "holidays",
      kind: "rows",
      label: "holidays",
      add: "add_holiday",
      fresh: { date: "" },
      fields: [
        { name: "date", kind: "date", label: "date" },
        { name: "name", kind: "text", label: "name", isOptional: true },
      ],
    },
  ],
});
