/** Words in the reader's language: the browser's unless another was chosen, which is kept. */
import { ownName } from "./parts/language_names";
import { signal } from "./signal";
import type en from "./locales/en.json";

export type Key = keyof typeof en;
export type Values = Record<string, string | number>;
type Catalogue = Record<Key, string>;

/** Each catalogue with the language's own name. */
export const LANGUAGES = { en: "English", es: "Español", pt: "Português", fr: "Français" } as const;
export type Language = keyof typeof LANGUAGES;

const CHOSEN = "ltp.language";
const LOADERS: Record<Language, () => Promise<{ default: Catalogue }>> = {
  en: () => import("./locales/en.json"),
  es: () => import("./locales/es.json"),
  pt: () => import("./locales/pt.json"),
  fr: () => import("./locales/fr.json"),
};

let catalogue: Catalogue;
/** The language that is shown; pages that read it are drawn again when it changes. */
export const language = signal<Language>("en");

function isLanguage(tag: string | null): tag is Language {
  return tag !== null && tag in LANGUAGES;
}

/** What to begin with: what was chosen, else the first of the browser's languages that there is. */
export function preferred(): Language {
  const chosen = localStorage.getItem(CHOSEN);
  if (isLanguage(chosen)) return chosen;
  return navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find(isLanguage) ?? "en";
}

/** Fetch a catalogue and show everything in it. */
export async function speak(wanted: Language, { keep = false } = {}): Promise<void> {
  catalogue = (await LOADERS[wanted]()).default;
  if (keep) localStorage.setItem(CHOSEN, wanted);
  document.documentElement.lang = wanted;
  language.value = wanted;
}

/** The words of a key, with `{name}` replaced by values. */
export function t(key: Key, values: Values = {}): string {
  return catalogue[key].replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? number(value) : value;
  });
}

/** The words of a key that there may be none of. */
export function maybe(key: string, values: Values = {}): string | null {
  return key in catalogue ? t(key as Key, values) : null;
}

/** The words for `n` things: `key.one` or `key.other`; `{n}` is the number. */
export function plural(key: string, n: number, values: Values = {}): string {
  const form = `${key}.${new Intl.PluralRules(language.value).select(n)}`;
  return t((form in catalogue ? form : `${key}.other`) as Key, { n, ...values });
}

/** The words of a key that is made up of data, or the data itself where there are none. */
export function wordFor(prefix: string, value: string): string {
  const key = `${prefix}.${value}`;
  return key in catalogue ? t(key as Key) : value;
}

/** How figures and dates are written: as where the reader lives, if the browser says a region of the language shown. */
function region(): string {
  return navigator.languages.find((tag) => tag.slice(0, 2).toLowerCase() === language.value) ?? language.value;
}

export function number(value: number, digits = 0): string {
  return value.toLocaleString(region(), { maximumFractionDigits: digits });
}

export function percent(share: number, digits = 1): string {
  return share.toLocaleString(region(), { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function moment(iso: string): string {
  return new Date(iso).toLocaleString(region(), { dateStyle: "medium", timeStyle: "short" });
}

export function day(iso: string): string {
  return new Date(iso).toLocaleDateString(region(), { dateStyle: "medium" });
}

/** Seconds as people say them: `40 s`, `5 min`, `2 h 10 min`. */
export function duration(seconds: number): string {
  if (seconds < 90) return t("time.seconds", { n: Math.max(1, Math.round(seconds)) });
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return t("time.minutes", { n: minutes });
  return t("time.hours", { h: Math.floor(minutes / 60), n: minutes % 60 });
}

export function bytes(size: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const power = Math.min(3, Math.floor(Math.log10(Math.max(1, size)) / 3));
  const shown = { unit: units[power]!, unitDisplay: power ? "short" : "long", maximumFractionDigits: power ? 1 : 0 } as const;
  return (size / 1000 ** power).toLocaleString(region(), { style: "unit", ...shown });
}

/** The name of a language in the reader's own, else the name given. */
export function languageName(tag: string, given?: string): string {
  if (tag === "mul") return t("language.many");
  return nameIn(language.value, tag) ?? given ?? tag;
}

const names = new Map<string, Intl.DisplayNames>();

/** What a language is called in another; undefined where nobody knows, and for what is no tag at all. */
export function nameIn(speech: string, tag: string): string | undefined {
  try {
    const known = names.get(speech) ?? new Intl.DisplayNames([speech], { type: "language", fallback: "none" });
    names.set(speech, known);
    return ownName(speech, tag) ?? known.of(tag);
  } catch {
    return undefined; // files say languages in all sorts of ways
  }
}
