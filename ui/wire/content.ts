/** The structured parts of a message in a form that can be shown: a place, contact cards, the products of an order. */
import type { Attachment, Message } from "./client";

type Json = Record<string, unknown>;
export type Place = { words: string; link: string };
export type Line = { words: string; detail: string };

function object(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}
function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(object) : [];
}
function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
function joined(...parts: unknown[]): string {
  return parts.map(text).filter(Boolean).join(" · ");
}

/** A reference that a browser may open. */
export function link(url: string | null | undefined): string | undefined {
  return url && /^https?:\/\//.test(url) ? url : undefined;
}

/** The kind of preview that a browser can show of a file with an address. */
export function preview(attachment: Attachment): "image" | "audio" | "video" | undefined {
  if (!attachment.url?.startsWith("https://")) return undefined;
  const kind = attachment.content_type === "sticker" ? "image" : attachment.content_type;
  if (kind === "image" || kind === "audio" || kind === "video") return kind;
  const byType = attachment.mime_type?.split("/")[0];
  return byType === "image" || byType === "audio" || byType === "video" ? byType : undefined;
}

export function place({ content_type, details }: Message): Place | undefined {
  const { name, address, latitude, longitude } = object(details);
  if (content_type !== "location" || typeof latitude !== "number" || typeof longitude !== "number") return undefined;
  const at = `${latitude}/${longitude}`;
  return {
    words: joined(name, address, `${latitude}, ${longitude}`),
    link: `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${at}`,
  };
}

/** Contact cards, products of an order, buttons or rows of a choice: one line each. */
export function lines({ content_type, details }: Message): Line[] {
  const whole = object(details);
  switch (content_type) {
    case "contacts":
      return (Array.isArray(details) ? list(details) : list(whole.contacts)).map((card) => ({
        words: text(object(card.name).formatted_name),
        detail: joined(...list(card.phones).map(({ phone }) => phone), ...list(card.emails).map(({ email }) => email)),
      }));
    case "order":
      return list(whole.product_items).map((item) => ({
        words: joined(`${text(item.quantity) || 1} × ${text(item.product_retailer_id)}`),
        detail: joined(item.item_price === undefined ? "" : `${text(item.item_price)} ${text(item.currency)}`),
      }));
    case "interactive": {
      const action = object(whole.action);
      const buttons = list(action.buttons).map(({ reply }) => object(reply));
      const rows = list(action.sections).flatMap(({ rows }) => list(rows));
      return [...buttons, ...rows].map((choice) => ({ words: text(choice.title), detail: text(choice.description) }));
    }
    default:
      return [];
  }
}

/** The parameters that are filled into a template. */
export function parameters({ template }: Message): string[] {
  const components = list(template?.components);
  return components.flatMap((component) => list(component.parameters).map((parameter) => text(parameter.text))).filter(Boolean);
}
