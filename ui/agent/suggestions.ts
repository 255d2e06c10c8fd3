/** What the composer offers while something is written: canned responses after `/`, agents after `@`, emoji after `:`. */
import { EMOJI } from "../kit/emoji";
import type { Canned } from "../wire/client";

export type Suggestion =
  | { kind: "canned"; id: string; label: string; hint: string; response: Canned }
  | { kind: "mention"; id: string; label: string; hint: string; name: string }
  | { kind: "emoji"; id: string; label: string; hint: string; sign: string };

/** What is looked for, and where it begins in the text. */
export type Token = { kind: Suggestion["kind"]; wanted: string; begin: number };

const MOST = 8;
const MOST_EMOJI = 40;

/** What is written before the caret, if it asks for suggestions. */
export function tokenAt(text: string, caret: number, isNote: boolean): Token | undefined {
  const before = text.slice(0, caret);
  if (/^\/\S*$/.test(text)) return { kind: "canned", wanted: text.slice(1).toLowerCase(), begin: 0 };
  const mention = isNote ? /(?:^|\s)@([\p{L}\p{N}_.-]*)$/u.exec(before) : null;
  if (mention) return { kind: "mention", wanted: mention[1]!.toLowerCase(), begin: caret - mention[1]!.length - 1 };
  const emoji = /(?:^|\s):([a-z_]*)$/.exec(before);
  if (emoji) return { kind: "emoji", wanted: emoji[1]!, begin: caret - emoji[1]!.length - 1 };
  return undefined;
}

/** First those that begin with what is written. */
function ordered<T>(found: T[], words: (one: T) => string, wanted: string): T[] {
  const begins = (one: T) => Number(words(one).toLowerCase().startsWith(wanted));
  return found.filter((one) => words(one).toLowerCase().includes(wanted)).sort((a, b) => begins(b) - begins(a));
}

export function suggestions(token: Token | undefined, canned: Canned[], agents: Iterable<[string, string]>): Suggestion[] {
  if (!token) return [];
  const { kind, wanted } = token;
  if (kind === "canned") {
    const words = ({ short_code, title }: Canned) => `${short_code.replace(/^\//, "")} ${title}`;
    return ordered(canned, words, wanted)
      .slice(0, MOST)
      .map((response) => ({ kind, id: response.id, label: response.short_code, hint: response.title, response }));
  }
  if (kind === "mention") {
    return ordered([...agents], ([, name]) => name, wanted)
      .slice(0, MOST)
      .map(([id, name]) => ({ kind, id, label: `@${name}`, hint: "", name }));
  }
  return ordered(EMOJI, ({ name }) => name, wanted)
    .slice(0, MOST_EMOJI)
    .map(({ name, sign }) => ({ kind, id: name, label: sign, hint: `:${name}`, sign }));
}

/** The agents whose names stand after an `@` in a note. */
export function mentioned(text: string, agents: Iterable<[string, string]>): string[] {
  return [...agents].filter(([, name]) => name !== "" && text.includes(`@${name}`)).map(([id]) => id);
}
