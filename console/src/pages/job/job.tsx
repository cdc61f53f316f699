/** A job's page: how far it is, its curves while it trains, what it said, and what came of it. */
import { useRoute } from "preact-iso";
import { call, get } from "../../api/client";
import type { Adapter, Job } from "../../api/types";
import { duration, moment, percent, t, wordFor } from "../../i18n";
import { jobTitle } from "../../parts/job_line";
import { Live } from "../../parts/live";
import { useAction, useLoad } from "../../parts/load";
import { Page } from "../../parts/page";
import { Failure, Refusal } from "../../parts/refusal";
import { Curves } from "./curves";
import { Outcome } from "./outcome";
import { useJob, type Watched } from "./use_job";

const UNFINISHED = new Set<string>(["queued", "running"]);

export function JobPage() {
  const { params } = useRoute();
  const watched = useJob(params["id"] ?? "");
  const { job } = watched;
  const adapter = useAdapter(job);
  return (
    <Page title={job ? jobTitle(job) : t("job.title")}>
      <Refusal error={watched.error} />
      {!job && !watched.error && <p role="status">{t("loading")}</p>}
      {watched.lost && (
        <p class="findings" role="status">
          {t("job.lost")}
        </p>
      )}
      {job && <State job={job} watched={watched} />}
      {watched.epochs.length + watched.losses.length > 1 && <Curves losses={watched.losses} epochs={watched.epochs} guessing={adapter?.metrics.baseline?.guessing ?? null} />}
      {job?.status === "succeeded" && <Outcome job={job} adapter={adapter?.status === "ready" ? adapter : null} />}
      {watched.said.length > 0 && <Said words={watched.said} />}
    </Page>
  );
}

/** The classifier that the job makes; fetched again when the job has ended. */
function useAdapter(job: Job | null): Adapter | null {
  const id = job?.resource.kind === "adapter" ? job.resource.id : null;
  const { data } = useLoad(async (signal) => (id ? get<Adapter>(`adapters/${id}`, {}, signal) : null), [id, job?.status]);
  return data;
}

function State({ job, watched }: { job: Job; watched: Watched }) {
  const { step, total, eta_s: left, phase } = job.progress;
  const cancel = useAction(async () => void (await call("POST", `jobs/${job.id}/cancel`)));
  const words = job.status === "running" ? progressWords(job, watched) : wordFor("status", job.status);
  return (
    <section aria-label={t("job.state")}>
      <p>
        <span class={`status ${job.status}`}>{wordFor("status", job.status)}</span>{" "}
        {job.status === "running" && phase && <span>{wordFor("phase", phase)}</span>}{" "}
        {job.status === "running" && left !== null && <span class="fine">{t("job.left", { time: duration(left) })}</span>}
        {job.finished_at && <span class="fine">{t("job.ended", { moment: moment(job.finished_at) })}</span>}
      </p>
      {UNFINISHED.has(job.status) && <progress class="long" {...(total > 0 && job.status === "running" ? { max: total, value: step } : {})} aria-label={t("job.progress")} />}
      {job.waiting_for && <p lang="en">{job.waiting_for}</p>}
      {job.error && <Failure {...job.error} />}
      <Live words={words} />
      {UNFINISHED.has(job.status) && (
        <p class="actions">
          <button type="button" class="quiet" disabled={cancel.busy} onClick={() => cancel.run()}>
            {t("job.cancel")}
          </button>
          <span class="fine">{t("job.leave")}</span>
        </p>
      )}
      <Refusal error={cancel.error} />
    </section>
  );
}

function progressWords(job: Job, { epochs }: Watched): string {
  const { step, total, eta_s: left, phase } = job.progress;
  const accuracy = epochs.at(-1)?.dev_accuracy;
  return [
    wordFor("phase", phase ?? ""),
    total > 0 ? percent(step / total, 0) : "",
    left !== null ? t("job.left", { time: duration(left) }) : "",
    typeof accuracy === "number" ? t("job.accuracy", { share: percent(accuracy) }) : "",
  ]
    .filter(Boolean)
    .join(", ");
}

function Said({ words }: { words: string[] }) {
  return (
    <section aria-labelledby="said">
      <h2 id="said">{t("job.said")}</h2>
      <ul lang="en">
        {words.map((each, place) => (
          <li key={place}>{each}</li>
        ))}
      </ul>
    </section>
  );
}
