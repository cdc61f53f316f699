/** One file that is or was judged: progress, counts, the first rows, the whole result to take along. */
import { useLocation, useRoute } from "preact-iso";
import { call, download, get } from "../../api/client";
import type { PredictionDetail } from "../../api/types";
import { languageName, number, percent, plural, t, wordFor } from "../../i18n";
import { CancelJob } from "../../parts/cancel_job";
import { Confirm } from "../../parts/confirm";
import { ItsJob, useItsJob } from "../../parts/its_job";
import { LabelMark } from "../../parts/labels";
import { Link, useGo } from "../../parts/link";
import { Live } from "../../parts/live";
import { useAction, useLoad } from "../../parts/load";
import { Page } from "../../parts/page";
import { PairTable, type Column } from "../../parts/pair_table";
import { Progress } from "../../parts/progress";
import { Failure, Refusal } from "../../parts/refusal";
import { doing, timeLeft } from "../../parts/time_left";
import { useJob } from "../job/use_job";

const UNFINISHED = new Set<string>(["queued", "running"]);
const UNTIL_JUDGED = { everyMs: 2000, until: (found: PredictionDetail) => found.status !== "pending" };

export function JudgedFile() {
  const id = useRoute().params["id"] ?? "";
  const job = useLocation().query["job"];
  const { data, error } = useLoad((signal) => get<PredictionDetail>(`predictions/${id}`, {}, signal), [id], UNTIL_JUDGED);
  return (
    <Page title={data?.filename ?? t("judge.title")}>
      <Refusal error={error} />
      {!data && !error && <p role="status">{t("loading")}</p>}
      {data?.status === "pending" && (job ? <Watching job={job} /> : <Pending id={id} />)}
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
  return job ? <Watching job={job.id} /> : <progress class="long" aria-label={t("job.progress")} />;
}

function Watching({ job: id }: { job: string }) {
  const { job, error } = useJob(id);
  if (!job) return <Refusal error={error} />;
  const left = timeLeft(job);
  return (
    <section aria-label={t("job.state")}>
      <Progress job={job} />
      <p class="fine">{[doing(job), left].filter(Boolean).join(", ")}</p>
      {job.error && <Failure {...job.error} />}
      <Live words={doing(job)} />
      <div class="actions">
        {UNFINISHED.has(job.status) && <CancelJob id={id} />}
        <Link to={`jobs/${id}`}>{t("job.title")}</Link>
      </div>
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
  const columns: Column[] = [
    { name: t("role.premise"), kind: "text" },
    { name: t("role.hypothesis"), kind: "text" },
    { name: t("role.label") },
    { name: t("answers.certainty"), kind: "figure" },
  ];
  const rows = sample.map((row) => [
    row.premise,
    row.hypothesis,
    row.abstained ? <span class="mark">{t("answer.abstained")}</span> : <LabelMark label={row.label} />,
    percent((row.probabilities as Record<string, number>)[row.label] ?? 0, 0),
  ]);
  return <PairTable label={t("judge.sample")} caption={t("judge.sample")} columns={columns} rows={rows} />;
}
