import type { components } from "../../wire/api";
import { kindOf } from "../form/fields";
import { t } from "../words";

type Schemas = components["schemas"];

export const botSettings = kindOf<Schemas["BotSettingsPatch"], Schemas["BotSettings"]>({
  path: "/v1/bot-settings",
  one: "bot_settings",
  about: "bot_settings_about",
  isSingle: true,
  fresh: {},
  title: () => t("bot_settings"),
  facts: () => [],
  fields: [
    { name: "handoff_keywords", kind: "texts", label: "handoff_keywords", hint: "one_per_line" },
    { name: "low_confidence_answers", kind: "number", label: "low_confidence_answers", hint: "empty_is_never", isOptional: true },
    { name: "confidence_threshold", kind: "number", step: 0.05, label: "confidence_threshold", hint: "confidence_hint" },
    { name: "expire_after_seconds", kind: "span", label: "expire_after", hint: "empty_is_never", isOptional: true },
    { name: "close_resolved_after_seconds", kind: "span", label: "close_resolved_after", hint: "empty_is_never", isOptional: true },
    { name: "automatic_messages_limit", kind: "number", label: "automatic_messages_limit", hint: "automatic_messages_hint" },
    { name: "automatic_messages_seconds", kind: "span", label: "automatic_messages_span" },
  ],
});
