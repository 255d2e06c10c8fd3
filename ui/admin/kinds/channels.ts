import type { components } from "../../wire/api";
import { kindOf } from "../form/fields";
import { t } from "../words";
import ChannelState from "./ChannelState.svelte";
import { CHANNEL_TYPES } from "./words";

type Schemas = components["schemas"];
type Channel = Schemas["DefinedPublicChannel"];

const isOf = (type: Schemas["ChannelType"]) => (_: unknown, { channel_type }: { channel_type: string }) => channel_type === type;
const isStored = (name: string, { credential_names }: Channel) => credential_names.includes(name);

/** Of another type, the program has no provider yet. The API says so at the field. */
export const channels = kindOf<Schemas["ChannelSpec"], Channel>({
  path: "/v1/channels",
  one: "channel",
  about: "channels_about",
  fresh: { channel_type: "whatsapp", name: "", credentials: {}, is_enabled: true },
  title: ({ name }) => name,
  facts: ({ channel_type, is_enabled }) => [t(CHANNEL_TYPES[channel_type]), is_enabled ? "" : t("inactive")],
  // No answer has the credentials. Only those that are written are sent, and the others stay as they are.
  read: (channel) => ({ ...channel, credentials: {} }),
  write: (channel) => ({ ...channel, credentials: filled(channel.credentials) }),
  beside: ChannelState,
  fields: [
    { name: "channel_type", kind: "choice", options: CHANNEL_TYPES, label: "channel_type", isFixed: true },
    { name: "name", kind: "text", label: "name" },
    { name: "is_enabled", kind: "flag", label: "is_enabled", hint: "is_enabled_hint" },
    {
      name: "credentials",
      kind: "group",
      label: "credentials",
      hint: "credentials_hint",
      fields: [
        { name: "phone_number_id", kind: "text", label: "phone_number_id", hint: "phone_number_id_hint", when: isOf("whatsapp") },
        { name: "access_token", kind: "secret", label: "access_token", hint: "access_token_hint", isStored, when: isOf("whatsapp") },
        { name: "app_secret", kind: "secret", label: "app_secret", hint: "app_secret_hint", isStored, when: isOf("whatsapp") },
        { name: "verify_token", kind: "secret", label: "verify_token", hint: "verify_token_hint", isStored, when: isOf("whatsapp") },
        { name: "secret", kind: "secret", label: "signing_secret", hint: "signing_secret_hint", isStored, when: isOf("api") },
      ],
    },
    { name: "base_url", kind: "address", label: "base_url", hint: "base_url_hint", isOptional: true },
  ],
});

function filled(credentials: Record<string, string | null>): Record<string, string> {
  return Object.fromEntries(Object.entries(credentials).filter((entry): entry is [string, string] => Boolean(entry[1])));
}
