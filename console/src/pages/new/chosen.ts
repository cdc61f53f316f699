/** What is chosen of a training, what a file suggests, and the request that it comes to. */
import type { Reading } from "../../api/types";
import { languageName } from "../../i18n";
import { tagOf } from "../../parts/language_field";
import { enoughOf } from "./trainable";

type Begin = "usual" | "pretrained" | "adapter";
export type Conflicts = "drop" | "majority" | "keep";
type Space = "three_way" | "two_way";

export interface Chosen {
  language: string;
  name: string;
  production: boolean;
  begin: Begin;
  from: string;
  conflicts: Conflicts;
  space: Space;
  seeds: string;
  epochs: string;
}

/** A file's word for its language as the field has it: with its name, where it is a tag that has one. */
function written(lang: string): string {
  const name = languageName(lang);
  return name === lang ? lang : `${name} (${lang})`;
}

export function firstChoice(reading: Reading): Chosen {
  const [only, another] = Object.keys(reading.languages);
  return {
    language: only !== undefined && another === undefined ? written(only) : "",
    name: "",
    production: true,
    begin: "usual",
    from: "",
    conflicts: "drop",
    space: enoughOf(reading)?.space ?? reading.label_space ?? "three_way",
    seeds: "1",
    epochs: "",
  };
}

/** The request that these choices come to; what was left alone is the service's default. */
export function requestOf(chosen: Chosen, reading: Reading): Record<string, unknown> {
  const request: Record<string, unknown> = { lang: tagOf(chosen.language) };
  if (chosen.name.trim()) request["name"] = chosen.name.trim();
  if (chosen.production) request["alias"] = "production";
  if (chosen.begin === "pretrained") request["start"] = null;
  if (chosen.begin === "adapter" && chosen.from) request["start"] = chosen.from;
  if (reading.conflicts > 0) request["conflicts"] = chosen.conflicts;
  if (chosen.space !== reading.label_space) request["label_space"] = chosen.space;
  if (Number(chosen.seeds) > 1) request["seeds"] = Number(chosen.seeds);
  if (chosen.epochs) request["training"] = { epochs: Number(chosen.epochs) };
  return request;
}
