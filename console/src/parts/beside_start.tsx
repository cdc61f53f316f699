/** What training brought: the accuracy beside that of what it began from, and whether the difference is more than chance. */
import type { Adapter } from "../api/types";
import { number, percent, t } from "../i18n";
import { Link } from "./link";

const USUAL = 0.05;
/** Accuracies that are this near are the same count of right answers. */
const NEAR = 1e-9;

export function BesideStart({ adapter }: { adapter: Adapter }) {
  const { dev, baseline } = adapter.metrics;
  if (!dev || !baseline?.start) return null;
  const { accuracy: start, p } = baseline.start;
  const gained = dev.accuracy - start;
  const equal = Math.abs(gained) < NEAR;
  const certain = !equal && p < USUAL;
  const kept = keptShare(adapter);
  return (
    <>
      <p>
        {t("score.start", { share: percent(start) })} <strong>{equal ? t("score.same") : verdict(gained, certain)}</strong>{" "}
        {!certain && <Link to={`next?lang=${encodeURIComponent(adapter.lang)}&adapter=${adapter.id}`}>{t("nav.next")}</Link>}
      </p>
      {kept !== null && kept < 1 && <p class="fine">{kept === 0 ? t("score.kept_start") : t("score.kept_part", { share: percent(kept, 0) })}</p>}
    </>
  );
}

function verdict(gained: number, certain: boolean): string {
  const points = { points: number(100 * Math.abs(gained), 1) };
  if (certain) return gained > 0 ? t("score.start_better", points) : t("score.start_worse", points);
  return gained > 0 ? t("score.maybe_better", points) : t("score.maybe_worse", points);
}

/** How much of what training changed is in what is published; null where that is not told. */
function keptShare({ training }: Adapter): number | null {
  const { report } = training as { report?: { choice?: { weight?: unknown } } };
  const weight = report?.choice?.weight;
  return typeof weight === "number" ? weight : null;
}
