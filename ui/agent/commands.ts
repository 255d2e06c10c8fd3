/** What an agent does with a conversation. Each answers the words of a refusal, or nothing when it is done. */
import { freshKey, type Priority, type Problem, type Status } from "../wire/client";
import type { Desk, Row } from "../wire/desk.svelte";
import { t } from "../wire/words.svelte";

type Answered = { error?: unknown };

export async function refusal(answer: Promise<Answered>): Promise<string | undefined> {
  try {
    const { error } = await answer;
    return error === undefined ? undefined : words(error);
  } catch {
    return t("unreachable");
  }
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

export function say(desk: Desk, id: string, content: string, isPrivate: boolean, key: string) {
  const params = { path: { id }, header: { "Idempotency-Key": key } };
  const body = { content, is_private: isPrivate };
  return refusal(desk.api.POST("/v1/conversations/{id}/messages", { params, body }));
}

export function take(desk: Desk, row: Row) {
  return refusal(desk.api.POST("/v1/conversations/{id}/assign", { params: addressed(row.id), body: {} }));
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
