/** The API: every call is typed by the server's own description. */
import createClient from "openapi-fetch";
import type { components, paths } from "./api";
import { credentials, type Session } from "./session";

type Schemas = components["schemas"];
export type Conversation = Schemas["Conversation"];
export type Detail = Schemas["ConversationDetail"];
export type Message = Schemas["Message"];
export type Attachment = Schemas["Attachment"];
export type NewMessage = Schemas["NewMessage"];
export type ScheduledMessage = Schemas["ScheduledMessage"];
export type HistoryEvent = Schemas["HistoryEvent"];
export type Person = Schemas["Person"];
export type ApiKey = Schemas["ApiKey"];
export type AuditEntry = Schemas["AuditEntry"];
/** The route also answers an export, so the type of its answer is not known from the path. */
export type AuditList = Schemas["AuditEntryList"];
export type ApiKeyRole = Schemas["ApiKeyRole"];
export type Permission = Schemas["Permission"];
export type OwnSession = Schemas["OwnSession"];
export type Problem = Schemas["Problem"];
export type Status = Schemas["Status"];
export type Priority = Schemas["Priority"];
export type SlaTimer = Schemas["SlaTimer"];
export type Queued = Schemas["QueuedConversation"];
/** The route also answers a stream, so the type of its answer is not known from the path. */
export type QueuedList = Schemas["QueuedConversationList"];
export type Macro = Schemas["DefinedMacro"];
export type Contact = Schemas["ContactDetail"];
export type AgentPreferences = Schemas["AgentPreferences"];
export type Canned = Schemas["DefinedCannedResponse"];

export type Client = ReturnType<typeof client>;

/** `refused` is called when the server no longer takes the credential. */
export function client(session: Session, account: string, refused: () => void) {
  const api = createClient<paths>({ headers: { "X-Account-Id": account } });
  api.use({
    onRequest: ({ request }) => {
      for (const [name, value] of Object.entries(credentials(session))) request.headers.set(name, value);
    },
    onResponse: ({ response }) => {
      if (response.status === 401) refused();
    },
  });
  return api;
}

/** A key with which a command that is sent twice is done once. */
export function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Positions of the log are `number` or `number.number`. */
export function isBefore(a: string, b: string): boolean {
  const [[a1, a2], [b1, b2]] = [a, b].map((text) => text.split(".").map(BigInt)) as [bigint[], bigint[]];
  return a1! !== b1! ? a1! < b1! : (a2 ?? 0n) < (b2 ?? 0n);
}
