/** Whether the labels of a file are enough to train on, and among how many. */
import { LABELS, type Label, type Reading } from "../../api/types";
import { t } from "../../i18n";
import { labelWord } from "../../parts/labels";

export interface Enough {
  /** The labels that no pair has. */
  missing: Label[];
  occurring: Label[];
  /** Training can choose among these alone; null where it cannot begin. */
  space: "three_way" | "two_way" | null;
}

/** Nothing is known of a reading whose labels nobody looked at. */
export function enoughOf({ labels, label_space: space }: Reading): Enough | null {
  if (!space || !Object.keys(labels).length) return null;
  const there = new Set(Object.values(labels).map(({ label }) => label));
  const occurring = LABELS[space].filter((label) => there.has(label));
  const missing = LABELS[space].filter((label) => !there.has(label));
  const two = there.has("entailment") && occurring.length > 1;
  return { missing, occurring, space: !missing.length ? space : two ? "two_way" : null };
}

/** What is missing, in a sentence. */
export function lackOf(reading: Reading): string | null {
  const enough = enoughOf(reading);
  if (!enough?.missing.length) return null;
  const missing = enough.missing.map(labelWord).join(", ");
  const [only, another] = enough.occurring;
  if (only && !another) return t("reading.one_label", { label: labelWord(only), missing });
  return t(enough.space ? "reading.only_two_way" : "reading.missing_label", { missing });
}
