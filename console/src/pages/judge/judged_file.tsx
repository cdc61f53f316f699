/** One file that is or was judged: progress, counts, the first rows, the whole result to take along. */
import { useLocation, useRoute } from "preact-iso";
import { call, download, get } from "../../api/client";
import type { PredictionDetail } from "../../api/types";
import { duration, languageName, number, percent, plural, t, wordFor } from "../../i18n";
import { Confirm } from "../../parts/confirm";
import { ItsJob, useItsJob } from "../../parts/its_job";
import { LabelMark } from "../../parts/labels";
import { Link, useGo } from "../../parts/link";
import { Live } from "../../parts/live";
import { useAction, useLoad } from "../../parts/load";
import { Page } from "../../parts/page";
import { Failure, Refusal } from "../../parts/refusal";
import { useJob } from "../job/use_job";

const UNTIL_JUDGED = { everyMs: 2000, until: (found: PredictionDetail) => found.status !== "pending" };

export function JudgedFile() {
  const id = useRoute().params["id"] ?? "";
  const job = useLocation().query["job"];
  const { data, error } = useLoad((signal) => get<PredictionDetail>(`predictions/${id}`, {}, signal), [id], UNTIL_JUDGED);
  return (
    <Page title={data?.filename ?? t("judge.title")}>
      <Refusal error={error} />
      {!data && !error && <p role="status">{t("loading")}</p>}
      {data?.status === "pending" && (job ? <Progress job={job} /> : <Pending id={id} />)}
      {data && data.status !== "pending" && data.status !== "ready" && (
        <>
          <p>
            <span class={`status ${data.status}`}>{wordFor("status", data.status)}</span>
          </p>
          <ItsJob kind="prediction" id={id} status={data.status} />
        </>
      )}
      {data?.status === "ready" && <Result judged={data} />}
    </Page>
  );
}

/** A file whose job the address does not name: it is looked for. */
function Pending({ id }: { id: string }) {
  const job = useItsJob({ kind: "prediction", id, status: "pending" });
  return job ? <Progress job={job.id} /> : <progress class="long" aria-label={t("job.progress")} />;
}

function Progress({ job: id }: { job: string }) {
  const { job, error } = useJob(id);
  if (!job) return <Refusal error={error} />;
  const { step, total, eta_s: left } = job.progress;
  const words = [wordFor("status", job.status), total ? percent(step / total, 0) : "", left === null ? "" : t("job.left", { time: duration(left) })];
  return (
    <section aria-label={t("job.state")}>
      <progress class="long" {...(total > 0 ? { max: total, value: step } : {})} aria-label={t("job.progress")} />
      <p class="fine">{words.filter(Boolean).join(", ")}</p>
      {job.error && <Failure {...job.error} />}
      <Live words={words.filter(Boolean).join(", ")} />
      <p>
        <Link to={`jobs/${id}`}>{t("job.title")}</Link>
      </p>
    </section>
  );
}

function Result({ judged }: { judged: PredictionDetail }) {
  const go = useGo();
  const save = useAction(() => download(`predictions/${judged.id}/result`, judged.filename ?? "result"));
  const remove = useAction(async () => {
    await call("DELETE", `predictions/${judged.id}`);
    go("judge");
  });
  return (
    <>
      <p role="status">{plural("judge.done", judged.pairs)}</p>
      <p class="actions">
        <button type="button" class="button" disabled={save.busy} onClick={() => save.run()}>
          {t("judge.download")}
        </button>
        <Confirm action={t("judge.delete")} title={t("judge.delete_title")} words={t("action.for_good")} busy={remove.busy} onSure={remove.run} />
      </p>
      <Refusal error={save.error ?? remove.error} />
      <Counts judged={judged} />
      <Sample judged={judged} />
    </>
  );
}

function Counts({ judged: { summary, adapters } }: { judged: PredictionDetail }) {
  const counts = (summary["labels"] ?? {}) as Record<string, number>;
  const abstained = summary["abstained"];
  return (
    <section aria-label={t("judge.counts")}>
      <ul class="inline">
        {Object.entries(counts).map(([label, rows]) => (
          <li key={label}>
            <LabelMark label={label} /> {number(rows)}
          </li>
        ))}
        {typeof abstained === "number" && abstained > 0 && (
          <li>
            <span class="mark">{t("answer.abstained")}</span> {number(abstained)}
          </li>
        )}
      </ul>
      <ul class="fine">
        {adapters.map(({ reference, adapter, fallback, rows }) => (
          <li key={reference}>
            {t("judge.by", { rows: rows ?? 0, who: t("answer.who", { language: languageName(adapter.lang), version: String(adapter.version) }) })}
            {fallback && ` · ${t("judge.fallback", { reference })}`}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Sample({ judged: { sample } }: { judged: PredictionDetail }) {
  if (!sample.length) return null;
  return (
    <div class="wide" tabIndex={0} role="region" aria-label={t("judge.sample")}>
      <table>
        <caption>{t("judge.sample")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("role.premise")}</th>
            <th scope="col">{t("role.hypothesis")}</th>
            <th scope="col">{t("role.label")}</th>
            <th scope="col">{t("answers.certainty")}</th>
          </tr>
        </thead>
        <tbody>
          {sample.map((row, place) => (
            <tr key={place}>
              <td class="text">{row.premise}</td>
              <td class="text">{row.hypothesis}</td>
              <td>{row.abstained ? <span class="mark">{t("answer.abstained")}</span> : <LabelMark label={row.label} />}</td>
              <td class="figure">{percent((row.probabilities as Record<string, number>)[row.label] ?? 0, 0)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
