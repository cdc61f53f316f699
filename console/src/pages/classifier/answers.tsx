/** The pairs a classifier is scored on, with its answers: those it got wrong, the surest first, unless asked otherwise. */
import { useEffect, useState } from "preact/hooks";
import { download, get } from "../../api/client";
import { LABELS, type Adapter, type Answer, type AnswersPage, type Label, type Score } from "../../api/types";
import { number, percent, plural, t } from "../../i18n";
import { Check, Field } from "../../parts/field";
import { LabelMark, labelWord } from "../../parts/labels";
import { useAction, useNewest } from "../../parts/load";
import { PairTable, type Column } from "../../parts/pair_table";
import { Refusal } from "../../parts/refusal";

const AT_ONCE = 10;
const SORTS = ["certainty", "uncertainty", "file"] as const;
type Sort = (typeof SORTS)[number];

/** What has come, and whether only wrong answers had been asked for: the choice may have changed since. */
type Shown = AnswersPage & { wrong: boolean };

interface Wanted {
  wrong: boolean;
  label: Label | "";
  sort: Sort;
}

export function Answers({ adapter, score }: { adapter: Adapter; score: Score }) {
  const [wanted, setWanted] = useState<Wanted>({ wrong: true, label: "", sort: "certainty" });
  const [page, setPage] = useState<Shown | null>(null);
  const asked = { ...(wanted.wrong ? { wrong: true } : {}), label: wanted.label, sort: wanted.sort };
  const asking = useNewest();
  const more = useAction(async (before: Shown | null) => {
    const newest = asking();
    const next = await get<AnswersPage>(`adapters/${adapter.id}/answers`, { ...asked, limit: AT_ONCE, cursor: before?.next_cursor });
    if (newest()) setPage({ ...next, items: [...(before?.items ?? []), ...next.items], wrong: wanted.wrong });
  });
  const save = useAction(() => download(`adapters/${adapter.id}/answers`, `${adapter.lang}-answers.csv`, { ...asked, format: "csv" }));
  useEffect(() => more.run(null), [adapter.id, wanted]);
  return (
    <section aria-labelledby="answers">
      <h2 id="answers">{t("answers.title")}</h2>
      <Filters score={score} wanted={wanted} onChange={setWanted} />
      <Refusal error={more.error ?? save.error} />
      {page && <p role="status">{plural(page.wrong ? "answers.wrong" : "answers.all", page.total, { kept: page.kept })}</p>}
      {page && page.items.length > 0 && <AnswerTable items={page.items} />}
      <p class="actions">
        {page?.next_cursor && (
          <button type="button" class="quiet" disabled={more.busy} onClick={() => more.run(page)}>
            {t("answers.more")}
          </button>
        )}
        {page && page.total > 0 && (
          <button type="button" class="quiet" disabled={save.busy} onClick={() => save.run()}>
            {t("answers.csv")}
          </button>
        )}
      </p>
    </section>
  );
}

function Filters({ score, wanted, onChange }: { score: Score; wanted: Wanted; onChange: (wanted: Wanted) => void }) {
  return (
    <div class="row">
      <Field label={t("answers.label")}>
        {(attributes) => (
          <select {...attributes} value={wanted.label} onChange={(event) => onChange({ ...wanted, label: event.currentTarget.value as Label | "" })}>
            <option value="">{t("answers.any")}</option>
            {LABELS[score.label_space].map((label) => (
              <option key={label} value={label}>
                {labelWord(label)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label={t("answers.sort")}>
        {(attributes) => (
          <select {...attributes} value={wanted.sort} onChange={(event) => onChange({ ...wanted, sort: event.currentTarget.value as Sort })}>
            {SORTS.map((sort) => (
              <option key={sort} value={sort}>
                {t(`sort.${sort}`)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Check label={t("answers.only_wrong")} checked={wanted.wrong} onChange={(wrong) => onChange({ ...wanted, wrong })} />
    </div>
  );
}

function AnswerTable({ items }: { items: Answer[] }) {
  const columns: Column[] = [
    { name: t("answers.line"), kind: "figure" },
    { name: t("role.premise"), kind: "text" },
    { name: t("role.hypothesis"), kind: "text" },
    { name: t("role.label") },
    { name: t("answers.taken") },
    { name: t("answers.certainty"), kind: "figure" },
  ];
  const rows = items.map((each) => [
    each.line === null ? "–" : number(each.line),
    each.premise,
    each.hypothesis,
    <LabelMark label={each.label} />,
    <LabelMark label={each.predicted} />,
    percent((each.probabilities as Record<string, number>)[each.predicted] ?? 0, 0),
  ]);
  return <PairTable labelledBy="answers" columns={columns} rows={rows} />;
}
