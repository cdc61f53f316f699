/** What was taken for what: the confusion matrix, and each label's precision and recall. */
import { LABELS, type Score } from "../../api/types";
import { number, percent, t } from "../../i18n";
import { LabelMark, labelWord } from "../../parts/labels";

export function Confusion({ score }: { score: Score }) {
  const labels = LABELS[score.label_space];
  return (
    <section aria-labelledby="confusion">
      <h2 id="confusion">{t("confusion.title")}</h2>
      <div class="wide" tabIndex={0} role="region" aria-labelledby="confusion">
        <table class="matrix">
          <thead>
            <tr>
              <td />
              <th scope="colgroup" colSpan={labels.length}>
                {t("confusion.taken")}
              </th>
            </tr>
            <tr>
              <th scope="col">{t("confusion.is")}</th>
              {labels.map((label) => (
                <th scope="col" key={label}>
                  {labelWord(label)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {labels.map((label, gold) => (
              <Row key={label} label={label} gold={gold} counts={score.confusion[gold] ?? []} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row({ label, gold, counts }: { label: string; gold: number; counts: number[] }) {
  const all = Math.max(1, counts.reduce((sum, each) => sum + each, 0));
  return (
    <tr>
      <th scope="row">{labelWord(label)}</th>
      {counts.map((count, predicted) => (
        <td key={predicted} class={predicted === gold ? "right" : "wrong"} style={{ "--share": `${Math.round((70 * count) / all)}%` }}>
          {number(count)}
        </td>
      ))}
    </tr>
  );
}

export function PerLabel({ score }: { score: Score }) {
  const labels = LABELS[score.label_space].filter((label) => label in score.per_label);
  return (
    <section aria-labelledby="per-label">
      <h2 id="per-label">{t("perlabel.title")}</h2>
      <div class="wide" tabIndex={0} role="region" aria-labelledby="per-label">
        <table>
          <thead>
            <tr>
              <th scope="col">{t("role.label")}</th>
              <th scope="col">{t("perlabel.recall")}</th>
              <th scope="col">{t("perlabel.precision")}</th>
              <th scope="col">F1</th>
              <th scope="col">{t("perlabel.pairs")}</th>
            </tr>
          </thead>
          <tbody>
            {labels.map((label) => {
              const { precision, recall, f1, support } = score.per_label[label]!;
              return (
                <tr key={label}>
                  <th scope="row">
                    <LabelMark label={label} />
                  </th>
                  <td class="figure">{percent(recall, 0)}</td>
                  <td class="figure">{percent(precision, 0)}</td>
                  <td class="figure">{percent(f1, 0)}</td>
                  <td class="figure">{number(support)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p class="fine">{t("perlabel.words")}</p>
    </section>
  );
}
