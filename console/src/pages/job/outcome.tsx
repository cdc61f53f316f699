/** What came of a job that succeeded, and where to go from there. */
import type { Adapter, Job } from "../../api/types";
import { t } from "../../i18n";
import { Accuracy } from "../../parts/accuracy";
import { BesideStart } from "../../parts/beside_start";
import { Link } from "../../parts/link";

export function Outcome({ job, adapter }: { job: Job; adapter: Adapter | null }) {
  if (adapter) return <Trained adapter={adapter} />;
  if (job.resource.kind === "prediction") return <Onwards to={`judge/${job.resource.id}`} words={t("outcome.prediction")} />;
  if (job.resource.kind === "ticket") return <Onwards to={`tickets/${job.resource.id}`} words={t("outcome.ticket")} />;
  return null;
}

function Onwards({ to, words }: { to: string; words: string }) {
  return (
    <p class="actions">
      <Link to={to} class="button">
        {words}
      </Link>
    </p>
  );
}

function Trained({ adapter }: { adapter: Adapter }) {
  const { dev, baseline } = adapter.metrics;
  return (
    <section aria-labelledby="outcome">
      <h2 id="outcome">{t("outcome.title")}</h2>
      {dev && <Accuracy accuracy={dev.accuracy} interval={dev.interval} guessing={baseline?.guessing ?? null} />}
      <BesideStart adapter={adapter} />
      {adapter.advice.length > 0 && (
        <ul class="findings" lang="en">
          {adapter.advice.map((words) => (
            <li key={words}>{words}</li>
          ))}
        </ul>
      )}
      <p class="actions">
        <Link to={`try?lang=${encodeURIComponent(adapter.lang)}&version=${adapter.version}`} class="button">
          {t("nav.try")}
        </Link>
        <Link to={`classifiers/${adapter.id}`}>{t("outcome.open")}</Link>
      </p>
    </section>
  );
}
