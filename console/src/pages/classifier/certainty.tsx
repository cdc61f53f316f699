/** How far its probabilities can be trusted: are they right as often as they say, and what is gained by leaving some out? */
import { useMemo, useState } from "preact/hooks";
import type { Certainty } from "../../api/types";
import { language, percent, t } from "../../i18n";
import { Chart } from "../../parts/chart";
import { Field } from "../../parts/field";

const share = (value: number) => percent(value, 0);

export function CertaintyView({ certainty }: { certainty: Certainty }) {
  return (
    <section aria-labelledby="certainty">
      <h2 id="certainty">{t("certainty.title")}</h2>
      <div class="pair">
        <AnsweredShare curve={certainty.curve} />
        <Reliability bins={certainty.reliability} />
      </div>
    </section>
  );
}

function Reliability({ bins }: { bins: Certainty["reliability"] }) {
  const x = useMemo(() => bins.map((each) => each.confidence), [bins]);
  const series = useMemo(
    () => [
      { label: t("certainty.right"), colour: "--accent", values: bins.map((each) => each.accuracy), points: true },
      { label: t("certainty.ideal"), colour: "--muted", values: x, dashed: true },
    ],
    [bins, x, language.value],
  );
  return (
    <div>
      <Chart title={t("certainty.reliability")} xLabel={t("certainty.said")} x={x} series={series} range={[0, 1]} xRange={[0, 1]} format={share} xFormat={share} />
      <p class="fine">{t("certainty.reliability_words")}</p>
    </div>
  );
}

type Curve = Certainty["curve"];

/** The point of the curve that a threshold comes to: the last whose own threshold is no higher. */
export function pointAt(curve: Curve, threshold: number): Curve[number] | undefined {
  const ordered = [...curve].sort((a, b) => a.threshold - b.threshold);
  return ordered.findLast((point) => point.threshold <= threshold) ?? ordered[0];
}

function AnsweredShare({ curve }: { curve: Curve }) {
  const [threshold, setThreshold] = useState(0);
  const ordered = useMemo(() => [...curve].sort((a, b) => a.answered - b.answered), [curve]);
  const x = useMemo(() => ordered.map((each) => each.answered), [ordered]);
  const series = useMemo(() => [{ label: t("certainty.accuracy"), colour: "--accent", values: ordered.map((each) => each.accuracy) }], [ordered, language.value]);
  const point = pointAt(curve, threshold);
  return (
    <div>
      <Field label={t("certainty.threshold")} hint={point && t("certainty.point", { threshold: share(threshold), answered: share(point.answered), accuracy: percent(point.accuracy) })}>
        {(attributes) => (
          <input {...attributes} type="range" min="0" max="1" step="0.01" value={threshold} aria-valuetext={share(threshold)} onInput={(event) => setThreshold(Number(event.currentTarget.value))} />
        )}
      </Field>
      <Chart title={t("certainty.curve")} xLabel={t("certainty.answered")} x={x} series={series} range={[0, 1]} xRange={[0, 1]} format={share} xFormat={share} height={200} />
    </div>
  );
}
