/** The versions of a language beside each other, and a paired test of one against another. */
import { useState } from "preact/hooks";
import { everyItem, get } from "../../api/client";
import type { Adapter, Comparison } from "../../api/types";
import { day, number, percent, t } from "../../i18n";
import { AliasMarks } from "../../parts/alias_marks";
import { Link } from "../../parts/link";
import { useAction, useLoad } from "../../parts/load";
import { Refusal } from "../../parts/refusal";

export function Versions({ adapter }: { adapter: Adapter }) {
  const { data } = useLoad(() => everyItem<Adapter>("adapters", { lang: adapter.lang }, 200), [adapter.id, adapter.aliases.join()]);
  const [comparison, setComparison] = useState<Comparison | null>(null);
  const compare = useAction(async (other: string) => {
    setComparison(null);
    setComparison(await get<Comparison>(`adapters/${adapter.id}/comparison/${other}`));
  });
  const ready = data?.filter((each) => each.status === "ready") ?? [];
  if (ready.length < 2) return null;
  return (
    <section aria-labelledby="versions">
      <h2 id="versions">{t("versions.title")}</h2>
      <div class="wide" tabIndex={0} role="region" aria-labelledby="versions">
        <table>
          <thead>
            <tr>
              <th scope="col">{t("versions.version")}</th>
              <th scope="col">{t("versions.accuracy")}</th>
              <th scope="col">{t("versions.made")}</th>
              <th scope="col">{t("versions.compare")}</th>
            </tr>
          </thead>
          <tbody>
            {ready.map((each) => (
              <Row key={each.id} each={each} own={each.id === adapter.id} onCompare={() => compare.run(each.id)} />
            ))}
          </tbody>
        </table>
      </div>
      <Refusal error={compare.error} />
      {comparison && <Verdict comparison={comparison} />}
    </section>
  );
}

function Row({ each, own, onCompare }: { each: Adapter; own: boolean; onCompare: () => void }) {
  const { dev } = each.metrics;
  return (
    <tr aria-current={own ? "true" : undefined}>
      <th scope="row">
        {own ? String(each.version) : <Link to={`classifiers/${each.id}`}>{String(each.version)}</Link>}{" "}
        <AliasMarks aliases={each.aliases} /> {each.origin !== "starter" && each.name}
      </th>
      <td class="figure">{dev ? `${percent(dev.accuracy)} (${dev.interval.map((end) => percent(end, 0)).join(" – ")})` : "–"}</td>
      <td>{day(each.published_at ?? each.created_at)}</td>
      <td>
        {own ? (
          t("versions.this")
        ) : (
          <button type="button" class="quiet small" onClick={onCompare}>
            {t("versions.with", { version: String(each.version) })}
          </button>
        )}
      </td>
    </tr>
  );
}

/** A difference of accuracies in percentage points. */
const points = (difference: number | undefined) => number(100 * (difference ?? 0), 1);

function Verdict({ comparison }: { comparison: Comparison }) {
  const { first, second, pairs, difference, interval, p, real, verdict } = comparison;
  if (difference === null || interval === null || p === null) {
    return (
      <p role="status" lang="en">
        {verdict}
      </p>
    );
  }
  const better = String((difference > 0 ? first : second).version);
  const words = real ? t("versions.better", { version: better }) : t(difference === 0 ? "versions.equal" : "versions.same");
  const shares = { first_share: percent(first.accuracy ?? 0), second_share: percent(second.accuracy ?? 0) };
  const versions = { first: String(first.version), second: String(second.version) };
  const sure = interval.every((end) => end === 0);
  return (
    <div role="status">
      <p>
        <strong>{words}</strong> {t("versions.on_pairs", { pairs, ...versions, ...shares })}{" "}
        {!sure && t("versions.difference", { low: points(interval[0]), high: points(interval[1]) })} {!sure && <span class="fine">(p = {number(p, 3)})</span>}
      </p>
      {(first.pairs !== pairs || second.pairs !== pairs) && <p class="fine">{t("versions.own_pairs")}</p>}
    </div>
  );
}
