/** An accuracy with what is known of its certainty: a line from 0 to 100 %, the interval on it, and guessing beside it. */
import { percent, t } from "../i18n";

interface Props {
  accuracy: number;
  interval?: number[] | null;
  guessing?: number | null;
}

export function Accuracy({ accuracy, interval, guessing }: Props) {
  const [low, high] = interval ?? [];
  const known = low !== undefined && high !== undefined;
  return (
    <div class="accuracy">
      <p>
        <strong>{percent(accuracy)}</strong>{" "}
        {known && <span class="fine">{t("accuracy.between", { low: percent(low), high: percent(high) })}</span>}
      </p>
      <div class="scale" aria-hidden="true">
        {known && <span class="span" style={{ insetInlineStart: `${100 * low}%`, inlineSize: `${100 * (high - low)}%` }} />}
        {typeof guessing === "number" && <span class="tick guess" style={{ insetInlineStart: `${100 * guessing}%` }} />}
        <span class="tick" style={{ insetInlineStart: `${100 * accuracy}%` }} />
      </div>
      {typeof guessing === "number" && <p class="fine">{t("accuracy.guessing", { share: percent(guessing) })}</p>}
    </div>
  );
}
