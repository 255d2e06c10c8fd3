/** Words of choices that several kinds have. */
import type { components } from "../../wire/api";
import type { Key } from "../words";

type Schemas = components["schemas"];

export const CHANNEL_TYPES: Record<Schemas["ChannelType"], Key> = {
  whatsapp: "channel_whatsapp",
  telegram: "channel_telegram",
  messenger: "channel_messenger",
  sms: "channel_sms",
  email: "channel_email",
  webchat: "channel_webchat",
  api: "channel_api",
};
export const PRIORITIES: Record<Schemas["Priority"], Key> = {
  urgent: "priority_urgent",
  high: "priority_high",
  normal: "priority_normal",
  low: "priority_low",
};
export const STATUSES: Record<Schemas["Status"], Key> = {
  open: "status_open",
  assigned: "status_assigned",
  pending: "status_pending",
  bot: "status_bot",
  resolved: "status_resolved",
  closed: "status_closed",
};
export const METRICS: Record<Schemas["SlaMetric"], Key> = {
  first_response: "sla_first_response",
  next_response: "sla_next_response",
  resolution: "sla_resolution",
};
export const STRATEGIES: Record<Schemas["BotStrategy"], Key> = {
  round_robin: "strategy_round_robin",
  least_busy: "strategy_least_busy",
  manual_queue: "strategy_manual_queue",
};
export const WEEKDAYS: Record<Schemas["Weekday"], Key> = {
  mon: "day_mon",
  tue: "day_tue",
  wed: "day_wed",
  thu: "day_thu",
  fri: "day_fri",
  sat: "day_sat",
  sun: "day_sun",
};
/** The reader's time zone. */
export const OWN_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
