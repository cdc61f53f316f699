/** What the service understood of a file: how many pairs, what each label is, what deserves a look, and the first rows. */
import type { Reading } from "../../api/types";
import { number, percent, plural, t, wordFor } from "../../i18n";
import { LabelMark } from "../../parts/labels";
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
  return (
    <ul class="inline">
      {[...counts].map(([label, rows]) => (
        <li key={label}>
          <LabelMark label={label} /> {number(rows)}
        </li>
      ))}
    </ul>
  );
}

/** What deserves a look, in plain words; nothing where there is nothing. */
function Findings({ reading }: { reading: Reading }) {
  const { unknown } = reading;
  const found = [
    lackOf(reading),
    reading.duplicates > 0 && plural("reading.duplicates", reading.duplicates),
    reading.conflicts > 0 && plural("reading.conflicts", reading.conflicts),
    reading.leaks > 0 && plural("reading.leaks", reading.leaks),
    (reading.truncated ?? 0) > 0 && plural("reading.truncated", reading.truncated ?? 0),
    unknown !== null && unknown.texts_share > 0 && t("reading.unknown", { share: percent(unknown.texts_share), characters: unknown.characters.slice(0, 12).join(" ") }),
  ].filter((words): words is string => Boolean(words));
  const said = [...reading.left_out.map((each) => leftOut(each)), ...reading.warnings];
  return (
    <>
      {found.length + said.length === 0 && <p class="good">{t("reading.fine")}</p>}
      {found.length + said.length > 0 && (
        <ul class="findings">
          {found.map((words) => (
            <li key={words}>{words}</li>
          ))}
          {said.map((words) => (
            <li key={words} lang="en">
              {words}
            </li>
          ))}
        </ul>
      )}
      {reading.notes.length > 0 && (
        <ul class="fine" lang="en">
          {reading.notes.map((words) => (
            <li key={words}>{words}</li>
          ))}
        </ul>
      )}
    </>
  );
}

function leftOut({ reason, rows, first_line: line }: Reading["left_out"][number]): string {
  return `${plural("reading.left_out", rows)}: ${reason}${line === null ? "" : ` (${t("reading.line", { line: String(line) })})`}`;
}

function Sample({ reading }: { reading: Reading }) {
  return (
    <div class="wide" tabIndex={0} role="region" aria-label={t("reading.sample")}>
      <table>
        <caption>{t("reading.sample")}</caption>
        <thead>
          <tr>
            {(["premise", "hypothesis", "label"] as const).map((role) => (
              <th scope="col" key={role}>
                {wordFor("role", role)} {reading.columns[role] && reading.columns[role].toLowerCase() !== role && <code>{reading.columns[role]}</code>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {reading.sample.map((row, place) => (
            <tr key={place}>
              <td class="text">{String(row["premise"] ?? "")}</td>
              <td class="text">{String(row["hypothesis"] ?? "")}</td>
              <td>{labelOf(reading, row)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function labelOf(reading: Reading, row: Record<string, unknown>) {
  const written = String(row["label"] ?? "");
  const label = reading.labels[written]?.label ?? written;
  return label ? <LabelMark label={label} /> : "";
}
