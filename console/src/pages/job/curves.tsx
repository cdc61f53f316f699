/** The live curves of a training: the loss, and the accuracy on pairs that were not trained on. */
import { useMemo } from "preact/hooks";
import { language, percent, t } from "../../i18n";
import { Chart, type Series } from "../../parts/chart";
import type { Watched } from "./use_job";

type Props = Pick<Watched, "losses" | "epochs"> & { guessing: number | null };

export function Curves({ losses, epochs, guessing }: Props) {
  const byEpoch = useMemo(() => epochs.map((_, place) => place + 1), [epochs]);
  const loss = useMemo(() => lossSeries(losses, epochs), [losses, epochs, language.value]);
  const accuracy = useMemo(() => accuracySeries(epochs, guessing), [epochs, guessing, language.value]);
  return (
    <section aria-label={t("curve.title")} class="pair">
      {epochs.length > 0 ? (
        <Chart title={t("curve.loss")} xLabel={t("curve.epoch")} x={byEpoch} counts series={loss} />
      ) : (
        <Chart title={t("curve.loss")} xLabel={t("curve.step")} x={losses.map((each) => each.step)} counts series={loss} />
      )}
      {epochs.length > 0 && (
        <Chart title={t("curve.accuracy")} xLabel={t("curve.epoch")} x={byEpoch} counts series={accuracy} range={[0, 1]} format={(value) => percent(value, 0)} />
      )}
    </section>
  );
}

function lossSeries(losses: Watched["losses"], epochs: Watched["epochs"]): Series[] {
  if (!epochs.length) return [{ label: t("curve.train"), colour: "--accent", values: losses.map((each) => each.loss) }];
  return [
    { label: t("curve.train"), colour: "--accent", values: epochs.map((each) => each.train_loss), points: true },
    { label: t("curve.dev"), colour: "--neutral", values: epochs.map((each) => each.dev_loss), points: true, dashed: true },
  ];
}

function accuracySeries(epochs: Watched["epochs"], guessing: number | null): Series[] {
  const own: Series = { label: t("curve.dev"), colour: "--accent", values: epochs.map((each) => each.dev_accuracy), points: true };
  if (guessing === null) return [own];
  return [own, { label: t("curve.guessing"), colour: "--muted", values: epochs.map(() => guessing), dashed: true }];
}
