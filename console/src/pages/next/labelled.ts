/** Labels that were given here, kept for the tab until they have been trained on, and the file they make. */
import type { Label, Suggestion } from "../../api/types";

export interface Given {
  premise: string;
  hypothesis: string;
  label: Label;
}

export interface Round {
  adapter: string;
  lang: string;
  items: Suggestion[];
  /** By the place among `items`; null: skipped. */
  labels: (Label | null)[];
}

const STORED = "ltp.labelling";

export function storedRound(): Round | null {
  try {
    return JSON.parse(sessionStorage.getItem(STORED) ?? "null") as Round | null;
  } catch {
    return null;
  }
}

/** Keep a round for the tab. One that is larger than browsers keep goes on all the same, until the page is left. */
export function store(round: Round | null): void {
  sessionStorage.removeItem(STORED);
  try {
    if (round) sessionStorage.setItem(STORED, JSON.stringify(round));
  } catch (problem) {
    console.info(problem);
  }
}

export function given({ items, labels }: Round): Given[] {
  return items.flatMap(({ premise, hypothesis }, place) => {
    const label = labels[place];
    return label ? [{ premise, hypothesis, label }] : [];
  });
}

export function asJsonl(rows: Given[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

/** Comma-separated, as spreadsheets read it; a byte-order mark tells them it is UTF-8. */
export function asCsv(rows: Given[]): string {
  const cell = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const lines = rows.map((row) => [row.premise, row.hypothesis, row.label].map(cell).join(","));
  return `\uFEFF${["premise,hypothesis,label", ...lines].join("\r\n")}\r\n`;
}
