/** Labels and their probabilities: the same words and colours wherever they stand. */
import { percent, wordFor } from "../i18n";
import { LABELS, type Label } from "../api/types";

export function labelWord(label: string): string {
  return wordFor("label", label);
}

export function LabelMark({ label }: { label: string }) {
  return <span class={`mark ${label}`}>{labelWord(label)}</span>;
}

/** Probabilities as bars with their figures; the bars are for the eye alone. */
export function Probabilities({ shares }: { shares: Record<string, number> }) {
  const order = (Object.keys(shares).length === 2 ? LABELS.two_way : LABELS.three_way).filter((label): label is Label => label in shares);
  return (
    <dl class="bars">
      {order.map((label) => (
        <div key={label}>
          <dt>{labelWord(label)}</dt>
          <dd>
            <span class={`bar ${label}`} style={{ inlineSize: `${100 * (shares[label] ?? 0)}%` }} aria-hidden="true" />
            <span class="figure">{percent(shares[label] ?? 0, 0)}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}
