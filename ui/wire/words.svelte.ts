/** The page's words in the reader's language, and numbers and times as that language writes them. */
import am from "../messages/am.json";
import ar from "../messages/ar.json";
import de from "../messages/de.json";
import en from "../messages/en.json";

export type Words = typeof en;
/** The keys that have the forms `_one` and `_other`. */
type Counted<W> = { [K in keyof W]: K extends `${infer Base}_other` ? Base : never }[keyof W];
type Values = Record<string, string | number>;

/** English and German are complete, or they do not compile. What another catalogue lacks is shown in English. */
const CATALOGUES = { en, de: de satisfies Words, ar: { ...en, ...ar }, am: { ...en, ...am } };
export type Language = keyof typeof CATALOGUES;
export const LANGUAGES: Record<Language, string> = { en: "English", de: "Deutsch", ar: "العربية", am: "አማርኛ" };
const FROM_RIGHT_TO_LEFT: Language[] = ["ar"];

const KEPT = "verbatim.language";

function preferred(): Language {
  const wanted = [localStorage.getItem(KEPT), ...navigator.languages.map((tag) => tag.split("-")[0])];
  return (wanted.find((tag) => tag && tag in CATALOGUES) as Language | undefined) ?? "en";
}

let language = $state<Language>(preferred());
writeIn(preferred());

/** Tells the browser the language of the page, and the direction in which it is written. */
function writeIn(written: Language) {
  document.documentElement.lang = written;
  document.documentElement.dir = FROM_RIGHT_TO_LEFT.includes(written) ? "rtl" : "ltr";
}

export function currentLanguage(): Language {
  return language;
}

export function choose(chosen: Language) {
  language = chosen;
  localStorage.setItem(KEPT, chosen);
  writeIn(chosen);
}

/** The messages of these catalogues. `counted` takes the form for a number. */
function translator<W extends Record<string, string>>(catalogues: Record<Language, W>) {
  function t(key: keyof W & string, values: Values = {}): string {
    // `{{name}}` is a placeholder of the product's own texts.
    return catalogues[language][key]!.replace(/(?<!\{)\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
  }
  function counted(base: Counted<W> & string, n: number, values: Values = {}): string {
    const form = `${base}_${new Intl.PluralRules(language).select(n)}`;
    const key = form in catalogues[language] ? form : `${base}_other`;
    return t(key, { ...values, n: new Intl.NumberFormat(language).format(n) });
  }
  return { t, counted };
}

export const { t, counted } = translator<Words>(CATALOGUES);

/** The same, for pages that are fetched later and bring further messages. What Arabic and Amharic lack is in English. */
export function withMessages<W extends Record<string, string>>(more: { en: W; de: W; ar: Partial<W>; am: Partial<W> }) {
  return translator<Words & W>({
    en: { ...CATALOGUES.en, ...more.en },
    de: { ...CATALOGUES.de, ...more.de },
    ar: { ...CATALOGUES.ar, ...more.en, ...more.ar },
    am: { ...CATALOGUES.am, ...more.en, ...more.am },
  });
}

export function number(n: number): string {
  return new Intl.NumberFormat(language).format(n);
}

/** Names in a row, as the language joins them. */
export function listed(names: string[]): string {
  return new Intl.ListFormat(language, { type: "conjunction" }).format(names);
}

/** A time of today as hours and minutes, an older one as its day. */
export function shortTime(time: string, now: number): string {
  const date = new Date(time);
  const isToday = date.toDateString() === new Date(now).toDateString();
  const style = isToday ? { timeStyle: "short" as const } : { day: "numeric" as const, month: "short" as const };
  return new Intl.DateTimeFormat(language, style).format(date);
}

export function fullTime(time: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));
}

/** A span such as `7 h 59 min`, of its two greatest units. */
export function span(ms: number): string {
  const minutes = Math.floor(Math.abs(ms) / 60_000);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)];
  const parts: [number, string][] = [[days, "day"], [hours, "hour"], [minutes % 60, "minute"]];
  const first = parts.findIndex(([n]) => n > 0);
  const shown = first < 0 ? [[Math.floor(Math.abs(ms) / 1000), "second"] as [number, string]] : parts.slice(first, first + 2).filter(([n]) => n > 0);
  return shown.map(([n, unit]) => new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(n)).join(" ");
}
