/** Pushes that tell that items of a kind have changed. */
import type { Desk } from "../../wire/desk.svelte";
import type { Kind } from "./fields";

/** Calls `changed` whenever an item of this kind changes, and after the connection was lost. Answers how to stop it. */
export function onCatalogueChange(desk: Desk, kind: Kind, changed: () => void): () => void {
  const listener = ({ kind: pushed }: { kind: string }) => {
    if (kind.path === `/v1/${pushed.replaceAll("_", "-")}`) changed();
  };
  desk.socket.on("catalogue:changed", listener);
  desk.socket.on("connect", changed);
  return () => {
    desk.socket.off("catalogue:changed", listener);
    desk.socket.off("connect", changed);
  };
}
