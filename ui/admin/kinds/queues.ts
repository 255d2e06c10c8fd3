import type { components } from "../../wire/api";
import { kindOf } from "../form/fields";
import { t } from "../words";
import { STRATEGIES } from "./words";

type Schemas = components["schemas"];

const ROUTING_STRATEGIES = {
  ...STRATEGIES,
  random: "strategy_random",
  least_recent: "strategy_least_recent",
  ring_all: "strategy_ring_all",
} as const;

export const queues = kindOf<Schemas["QueueSpec"], Schemas["DefinedQueue"]>({
  path: "/v1/queues",
  one: "queue",
  about: "queues_about",
  fresh: {
    name: "",
    strategy: "least_busy",
    penalties: {},
    offer_seconds: 30,
    ask_again_seconds: 120,
    when_offline: "keep",
    give_back_seconds: 120,
  },
  title: ({ name }) => name,
  facts: ({ strategy, team_id }, names) => [t(ROUTING_STRATEGIES[strategy]), team_id ? names("teams", team_id) : ""],
  fields: [
    { name: "name", kind: "text", label: "name" },
    { name: "team_id", kind: "reference", to: "teams", label: "team", hint: "queue_team_hint", isOptional: true },
    { name: "strategy", kind: "choice", options: ROUTING_STRATEGIES, label: "strategy" },
    { name: "max_waiting", kind: "number", label: "max_waiting", hint: "max_waiting_hint", isOptional: true },
    { name: "timeout_seconds", kind: "span", label: "queue_timeout", hint: "queue_timeout_hint", isOptional: true },
    { name: "overflow_team_id", kind: "reference", to: "teams", label: "overflow_team", isOptional: true },
    { name: "offer_seconds", kind: "span", label: "offer_seconds" },
    { name: "ask_again_seconds", kind: "span", label: "ask_again_seconds", hint: "ask_again_hint" },
    { name: "when_offline", kind: "choice", options: { keep: "offline_keep", give_back: "offline_give_back" }, label: "when_offline" },
    { name: "give_back_seconds", kind: "span", label: "give_back_seconds", when: ({ when_offline }) => when_offline === "give_back" },
    { name: "announcement", kind: "long", label: "announcement", hint: "announcement_hint", isOptional: true },
    { name: "penalties", kind: "numbers", to: "agents", label: "penalties", hint: "penalties_hint" },
  ],
});
