/** What a classifier was made from: its pairs and how they were read, its start, its ticket, its hyperparameters. */
import type { ComponentChildren } from "preact";
import { download } from "../../api/client";
import type { Adapter } from "../../api/types";
import { bytes, languageName, moment, number, plural, t, wordFor } from "../../i18n";
import { Link } from "../../parts/link";
import { useAction } from "../../parts/load";
import { Refusal } from "../../parts/refusal";
import { ReadingView } from "../new/reading";

export function Provenance({ adapter }: { adapter: Adapter }) {
  return (
    <section aria-labelledby="made">
      <h2 id="made">{t("made.title")}</h2>
      <dl class="facts">
        {factsOf(adapter).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {adapter.reading && (
        <details>
          <summary>{t("made.reading")}</summary>
          <ReadingView reading={adapter.reading} />
        </details>
      )}
      {(adapter.examples.train ?? 0) > 0 && adapter.origin === "training" && <Examples adapter={adapter} />}
      <details>
        <summary>{t("made.training")}</summary>
        <pre class="wide" tabIndex={0}>
          {JSON.stringify({ ...adapter.training, report: undefined }, null, 2)}
        </pre>
      </details>
    </section>
  );
}

function factsOf(adapter: Adapter): [string, ComponentChildren][] {
  const { start, ticket, language_delta: delta, examples } = adapter;
  const facts: [string, ComponentChildren][] = [[t("made.origin"), wordFor("origin", adapter.origin)]];
  if (examples.train) facts.push([t("made.pairs"), number(examples.train)]);
  if (adapter.metrics.dev?.estimated) facts.push([t("made.judged"), plural("made.judged_same", examples.dev ?? 0)]);
  else if (examples.dev) facts.push([t("made.dev"), number(examples.dev)]);
  if (examples.test) facts.push([t("made.test"), number(examples.test)]);
  facts.push([t("made.start"), start ? <Link to={`classifiers/${start.id}`}>{`${languageName(start.lang)} ${start.version}`}</Link> : t("made.pretrained")]);
  if (delta) facts.push([t("made.text"), `${languageName(delta.lang)} ${delta.version}`]);
  if (ticket) facts.push([t("made.ticket"), <Link to={`tickets/${ticket}`}>{ticket}</Link>]);
  facts.push([t("made.method"), <code>{adapter.method}</code>]);
  facts.push([t("made.seeds"), number(adapter.seeds)]);
  if (adapter.bytes !== null) facts.push([t("made.bytes"), bytes(adapter.bytes)]);
  facts.push([t("made.created"), moment(adapter.published_at ?? adapter.created_at)]);
  facts.push([t("made.id"), <code>{adapter.id}</code>]);
  return facts;
}

function Examples({ adapter }: { adapter: Adapter }) {
  const save = useAction(() => download(`adapters/${adapter.id}/examples`, `${adapter.lang}-train.csv`, { part: "train", format: "csv" }));
  return (
    <p>
      <button type="button" class="quiet small" disabled={save.busy} onClick={() => save.run()}>
        {t("made.download")}
      </button>
      <Refusal error={save.error} />
    </p>
  );
}
