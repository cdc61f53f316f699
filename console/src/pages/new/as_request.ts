/** What a person corrects of a file's reading, and how a request says it. */
import type { Label } from "../../api/types";

export const ROLES = ["premise", "hypothesis", "label", "lang"] as const;
export type Role = (typeof ROLES)[number];

export interface Corrections {
  columns: Partial<Record<Role, string>>;
  labels: Record<string, Label>;
}

export const NO_CORRECTIONS: Corrections = { columns: {}, labels: {} };

/** The fields `columns` and `labels` of a request; what was not corrected is left to the service. */
export function asRequest({ columns, labels }: Corrections): object {
  const told = Object.fromEntries(Object.entries(columns).filter(([, name]) => name));
  return {
    ...(Object.keys(told).length ? { columns: told } : {}),
    ...(Object.keys(labels).length ? { labels } : {}),
  };
}
