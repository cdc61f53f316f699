/** How good a classifier is: its accuracy, what guessing and its start give on the same pairs, and what to try next. */
import type { Adapter } from "../../api/types";
import { plural, t } from "../../i18n";
import { Accuracy } from "../../parts/accuracy";
import { BesideStart } from "../../parts/beside_start";

export function ScoreView({ adapter }: { adapter: Adapter }) {
  const { dev, test, baseline } = adapter.metrics;
  if (!dev) return <p class="fine">{t("start.unmeasured")}</p>;
  const pairs = dev.confusion.flat().reduce((sum, each) => sum + each, 0);
  return (
    <section aria-labelledby="score">
      <h2 id="score">{t("score.title")}</h2>
      <Accuracy accuracy={dev.accuracy} interval={dev.interval} guessing={baseline?.guessing ?? null} />
      <p class="fine">
        {plural("score.pairs", pairs)} {dev.estimated ? t("score.crossfit") : dev.selected_on ? t("score.selected") : ""}
      </p>
      <BesideStart adapter={adapter} />
      {test && (
        <>
          <h3>{t("score.test")}</h3>
          <Accuracy accuracy={test.accuracy} interval={test.interval} />
        </>
      )}
      {adapter.advice.length > 0 && (
        <ul class="findings" lang="en">
          {adapter.advice.map((words) => (
            <li key={words}>{words}</li>
          ))}
        </ul>
      )}
    </section>
  );
}
