/** What the service understood of a file: how many pairs, what each label is, what deserves a look, and the first rows. */
import type { Reading } from "../../api/types";
import { number, percent, plural, t, wordFor } from "../../i18n";
import { LabelMark } from "../../parts/labels";
import { PairTable, type Column } from "../../parts/pair_table";
import { lackOf } from "./trainable";

export function ReadingView({ reading }: { reading: Reading }) {
  return (
    <>
      <Counted reading={reading} />
      <Looked reading={reading} />
    </>
  );
}

/** How many pairs there are. */
export function Counted({ reading }: { reading: Reading }) {
  return (
    <p>
      <strong>{plural("reading.pairs", reading.read)}</strong> {t("reading.of", { rows: reading.rows, format: reading.format })}
      {reading.encoding && ` (${reading.encoding})`}
    </p>
  );
}

/** What there is to look at in it. */
export function Looked({ reading }: { reading: Reading }) {
  return (
    <>
      <LabelCounts reading={reading} />
      <Findings reading={reading} />
      <Sample reading={reading} />
    </>
  );
}

function LabelCounts({ reading }: { reading: Reading }) {
  const counts = new Map<string, number>();
  for (const { label, rows } of Object.values(reading.labels)) {
    if (label) counts.set(label, (counts.get(label) ?? 0) + rows);
  }
  const labelled = [...counts.values()].reduce((sum, rows) => sum + rows, 0);
  return (
    <ul class="inline">
      {[...counts].map(([label, rows]) => (
        <li key={label}>
          <LabelMark label={label} /> {number(rows)}
        </li>
      ))}
      {labelled !== reading.read && counts.size > 0 && <li class="fine">{t("reading.labels_before", { n: labelled })}</li>}
    </ul>
  );
}

/** What deserves a look, in plain words; nothing where there is nothing. What the service says of the same is folded. */
function Findings({ reading }: { reading: Reading }) {
  const found = foundIn(reading);
  const others = reading.warnings.filter((_, place) => !reading.warning_codes?.[place]);
  return (
    <>
      {found.length + others.length === 0 && <p class="good">{t("reading.fine")}</p>}
      {found.length + others.length > 0 && (
        <ul class="findings">
          {found.map((words) => (
            <li key={words}>{words}</li>
          ))}
          {others.map((words) => (
            <li key={words} lang="en">
              {words}
            </li>
          ))}
        </ul>
      )}
      {reading.note_codes?.includes("label_column") && <p class="fine">{t("reading.label_column", { column: reading.columns.label ?? "" })}</p>}
      <Original said={[...reading.warnings, ...reading.notes]} />
    </>
  );
}

function foundIn(reading: Reading): string[] {
  const { unknown } = reading;
  return [
    lackOf(reading),
    ...reading.left_out.map(leftOut),
    reading.duplicates > 0 && plural("reading.duplicates", reading.duplicates),
    reading.conflicts > 0 && plural("reading.conflicts", reading.conflicts),
    reading.leaks > 0 && plural("reading.leaks", reading.leaks),
    reading.shared_premises > 0 && reading.leaks === 0 && plural("reading.shared", reading.shared_premises),
    (reading.truncated ?? 0) > 0 && plural("reading.truncated", reading.truncated ?? 0),
    unknown !== null && unknown.texts_share > 0 && t("reading.unknown", { share: percent(unknown.texts_share), characters: unknown.characters.slice(0, 12).join(" ") }),
  ].filter((words): words is string => Boolean(words));
}

function leftOut({ reason, code, rows, first_line: line }: Reading["left_out"][number]): string {
  const why = code ? t(`left_out.${code}`) : reason;
  return `${plural("reading.left_out", rows)}: ${why}${line === null ? "" : ` (${t("reading.line", { line: String(line) })})`}`;
}

function Original({ said }: { said: string[] }) {
  if (!said.length) return null;
  return (
    <details class="fine">
      <summary>{t("reading.original")}</summary>
      <ul lang="en">
        {said.map((words) => (
          <li key={words}>{words}</li>
        ))}
      </ul>
    </details>
  );
}

/** The first rows; what a classifier keeps of its reading has none. */
function Sample({ reading }: { reading: Reading }) {
  if (!reading.sample.length) return null;
  const columns = (["premise", "hypothesis", "label"] as const).map((role): Column => {
    const named = reading.columns[role];
    const also = named && named.toLowerCase() !== role && <code>{named}</code>;
    return role === "label" ? { name: wordFor("role", role), also } : { name: wordFor("role", role), also, kind: "text" };
  });
  const rows = reading.sample.map((row) => [String(row["premise"] ?? ""), String(row["hypothesis"] ?? ""), labelOf(reading, row)]);
  return <PairTable label={t("reading.sample")} caption={t("reading.sample")} columns={columns} rows={rows} />;
}

function labelOf(reading: Reading, row: Record<string, unknown>) {
  const written = String(row["label"] ?? "");
  const label = reading.labels[written]?.label ?? written;
  return label ? <LabelMark label={label} /> : "";
}
