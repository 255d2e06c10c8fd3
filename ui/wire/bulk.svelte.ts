/** A change of many conversations: how far it is, and the way back. */
import { freshKey, type Problem } from "./client";
import type { components } from "./api";
import type { Desk } from "./desk.svelte";
import { t } from "./words.svelte";

export type BulkChange = components["schemas"]["BulkChange"];
export type Action = components["schemas"]["Action"];

/** How often the progress is fetched, in milliseconds. */
const LOOK_MS = 400;
/** The most conversations of one change, as the server bounds them. */
export const MOST = 5_000;

export class Bulk {
  change = $state.raw<BulkChange>();
  /** The words of a refusal of the whole. */
  refused = $state<string>();
  isRunning = $derived(this.change?.status === "running" || this.change?.status === "undoing");
  private isClosed = false;

  constructor(private desk: Desk) {}

  close() {
    this.isClosed = true;
  }

  start(ids: string[], actions: Action[]) {
    const body = { conversation_ids: ids, actions };
    return this.follow(this.desk.api.POST("/v1/bulk", { params: { header: { "Idempotency-Key": freshKey() } }, body }));
  }

  undo() {
    const params = { path: { id: this.change!.id }, header: { "Idempotency-Key": freshKey() } };
    return this.follow(this.desk.api.POST("/v1/bulk/{id}/undo", { params }));
  }

  private async follow(asked: Promise<{ data?: BulkChange; error?: unknown }>) {
    this.refused = undefined;
    const answer = await asked.catch(() => undefined);
    if (!answer?.data) {
      const problem = answer?.error as Partial<Problem> | undefined;
      this.refused = problem?.detail ?? problem?.title ?? t("server_unreachable");
      return;
    }
    this.change = answer.data;
    void this.look(answer.data.id);
  }

  /** Fetches the progress until all is done. */
  private async look(id: string) {
    while (this.isRunning && !this.isClosed) {
      await new Promise((look) => setTimeout(look, LOOK_MS));
      const params = { path: { id } };
      // Without an answer it is fetched again.
      const { data } = await this.desk.api.GET("/v1/bulk/{id}", { params }).catch(() => ({ data: undefined }));
      if (data) this.change = data;
    }
  }
}
