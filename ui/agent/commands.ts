/** What an agent does with a conversation. Each answers the words of a refusal, or nothing when it is done. */
import { freshKey, type Message, type NewMessage, type Priority, type Problem, type ScheduledMessage, type Status } from "../wire/client";
import type { Desk, Row } from "../wire/desk.svelte";
import { t } from "../wire/words.svelte";

type Answered = { error?: unknown };
/** A refusal in words, and the kind of problem it is. */
export type Refusal = { words: string; kind: string };

export async function refusalOf(answer: Promise<Answered>): Promise<Refusal | undefined> {
  try {
    const { error } = await answer;
    if (error === undefined) return undefined;
    return { words: words(error), kind: (error as Partial<Problem>).type?.replace("/problems/", "") ?? "" };
  } catch {
    return { words: t("unreachable"), kind: "unreachable" };
  }
}

export async function refusal(answer: Promise<Answered>): Promise<string | undefined> {
  return (await refusalOf(answer))?.words;
}

/** The words of a problem document: those at its fields when there are several. */
function words(error: unknown): string {
  const problem = error as Partial<Problem>;
  const fields = problem.errors?.map(({ detail }) => detail).join(" ");
  return fields || problem.detail || problem.title || t("failed");
}

function addressed(id: string) {
  return { path: { id }, header: { "Idempotency-Key": freshKey() } };
}

export function say(desk: Desk, id: string, body: NewMessage, key: string) {
  const params = { path: { id }, header: { "Idempotency-Key": key } };
  return refusalOf(desk.api.POST("/v1/conversations/{id}/messages", { params, body }));
}

/** Sends the same again as a new message, which says of which one it is the repetition. */
export async function sayAgain(desk: Desk, message: Message) {
  const { content, content_type, attachments, details, template, in_reply_to } = message;
  const metadata = { repeats: message.id };
  const body: NewMessage = { content, content_type, attachments, details: details ?? null, template, in_reply_to, metadata };
  return (await say(desk, message.conversation_id, body, freshKey()))?.words;
}

function scheduledAddress({ id, conversation_id }: ScheduledMessage) {
  return { path: { id: conversation_id, message_id: id }, header: { "Idempotency-Key": freshKey() } };
}

export function cancelScheduled(desk: Desk, message: ScheduledMessage) {
  const params = scheduledAddress(message);
  return refusal(desk.api.DELETE("/v1/conversations/{id}/scheduled-messages/{message_id}", { params }));
}

export function sendScheduled(desk: Desk, message: ScheduledMessage) {
  const { path } = scheduledAddress(message);
  return refusal(desk.api.POST("/v1/conversations/{id}/scheduled-messages/{message_id}/send", { params: { path } }));
}

export function take(desk: Desk, row: Row) {
  return refusal(desk.api.POST("/v1/conversations/{id}/assign", { params: addressed(row.id), body: {} }));
}

export function assign(desk: Desk, row: Row, body: { assignee_id: string } | { team_id: string }) {
  return refusal(desk.api.POST("/v1/conversations/{id}/assign", { params: addressed(row.id), body }));
}

export function runMacro(desk: Desk, row: Row, macro: string) {
  const { path, header } = addressed(row.id);
  const params = { path: { ...path, macro_id: macro }, header };
  return refusal(desk.api.POST("/v1/conversations/{id}/macros/{macro_id}", { params }));
}

export function giveBack(desk: Desk, row: Row) {
  return refusal(desk.api.POST("/v1/conversations/{id}/unassign", { params: addressed(row.id), body: {} }));
}

export function change(desk: Desk, row: Row, body: { status?: Status; priority?: Priority; labels?: string[] }) {
  return refusal(desk.api.PATCH("/v1/conversations/{id}", { params: addressed(row.id), body }));
}

export function isDone(row: Row): boolean {
  return row.status === "resolved" || row.status === "closed";
}

export function resolveOrReopen(desk: Desk, row: Row) {
  return change(desk, row, { status: isDone(row) ? "open" : "resolved" });
}

export function takeOrGiveBack(desk: Desk, row: Row) {
  return row.assignee_id === desk.session.userId ? giveBack(desk, row) : take(desk, row);
}

export function nameOf(row: Row): string {
  return row.display_name || row.contact_identifier;
}
