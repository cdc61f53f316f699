/** How training went, epoch by epoch, once it is over: the curves that were live while it trained. */
import type { Adapter } from "../../api/types";
import { number, percent, t } from "../../i18n";
import { Curves } from "../job/curves";

export function Courses({ adapter }: { adapter: Adapter }) {
  if (!adapter.courses.length) return null;
  const several = adapter.courses.length > 1;
  const { dev } = adapter.metrics;
  return (
    <details class="section">
      <summary>{t("courses.title")}</summary>
      {adapter.courses.map(({ seed, best_epoch: best, epochs }) => (
        <div key={seed}>
          {several && <h3>{t("courses.seed", { seed: String(seed) })}</h3>}
          <Curves losses={[]} epochs={epochs.map((each) => ({ seed, ...each }))} guessing={adapter.metrics.baseline?.guessing ?? null} />
          {best !== null && <p class="fine">{t("courses.best", { epoch: number(best) })}</p>}
        </div>
      ))}
      {dev?.estimated && <p class="fine">{t("courses.estimated", { share: percent(dev.accuracy) })}</p>}
    </details>
  );
}
