/** What a refusal means in the reader's language, and what to do: by the field's fault, else by its code or status. */
import { languageName, maybe, t } from "../i18n";
import type { FieldFault } from "./types";

/** Faults of a file whose sentence does not name the line, and whose line helps. */
const AT_A_LINE = new Set<string>(["not_utf8", "unknown_labels"]);
const SHOWN = 12;

/** A sentence for a code of the API, or of the page itself; for the status where there is none. */
export function codeWords(code: string, status: number): string {
  return maybe(`error.${code}`) ?? maybe(`error.${status}`) ?? t(status >= 500 ? "error.500" : "error.400");
}

/** A sentence for why a job failed. */
export function failureWords(code: string): string {
  return maybe(`error.${code}`) ?? t("error.job");
}

/** A sentence for one fault; null where there is none, and the service's own words have to do. */
export function faultWords({ reason, values = [], line }: FieldFault): string | null {
  const words = reason ? maybe(`fault.${reason}`, { values: values.slice(0, SHOWN).join(", "), line: String(line ?? "?") }) : null;
  if (words === null) return null;
  const [meant] = values;
  if (reason === "unknown_language" && meant) return `${words} ${t("fault.meant", { language: languageName(meant), tag: meant })}`;
  return reason && AT_A_LINE.has(reason) && line ? `${words} ${t("fault.line", { line: String(line) })}` : words;
}
