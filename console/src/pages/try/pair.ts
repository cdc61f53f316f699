/** A pair as it is being written, and which adapter it asks. */
import { tagOf } from "../../parts/language_field";

export interface Pair {
  key: number;
  /** A reference of the API, e.g. `sw` or `sw@3`; `OTHER` for a language that is written. */
  adapter: string;
  /** What was written, for `OTHER`. */
  language: string;
  premise: string;
  hypothesis: string;
}

export const OTHER = "*";
export const STARTER = "starter";
let made = 0;

export function emptyPair(adapter: string): Pair {
  made += 1;
  return { key: made, adapter, language: "", premise: "", hypothesis: "" };
}

/** The field of the request that says who is to judge the pair. */
export function addressOf(pair: Pair): { adapter: string } | { lang: string } {
  return pair.adapter === OTHER ? { lang: tagOf(pair.language) } : { adapter: pair.adapter };
}
