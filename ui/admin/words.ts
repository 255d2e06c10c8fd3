/** The messages of the administration pages, besides those of all pages. */
import am from "../messages/admin/am.json";
import ar from "../messages/admin/ar.json";
import de from "../messages/admin/de.json";
import en from "../messages/admin/en.json";
import { withMessages, type Words } from "../wire/words.svelte";

export type Key = keyof Words | keyof typeof en;
export const { t, counted } = withMessages<typeof en>({ en, de, ar, am });
