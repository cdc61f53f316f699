/** A job's page: how far it is, its curves while it trains, what it said, and what came of it. */
import { useRoute } from "preact-iso";
import { get } from "../../api/client";
import type { Adapter, Job } from "../../api/types";
import { moment, percent, t, wordFor } from "../../i18n";
import { CancelJob } from "../../parts/cancel_job";
import { jobTitle } from "../../parts/job_line";
import { Link } from "../../parts/link";
import { Live } from "../../parts/live";
import { useLoad } from "../../parts/load";
import { Page } from "../../parts/page";
import { Progress } from "../../parts/progress";
import { Failure, Refusal } from "../../parts/refusal";
import { doing, mayEndEarly, timeLeft } from "../../parts/time_left";
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
  const left = timeLeft(job);
  const unfinished = UNFINISHED.has(job.status);
  return (
    <section aria-label={t("job.state")}>
      <p>
        <span class={`status ${job.status}`}>{wordFor("status", job.status)}</span> {job.status === "running" && job.progress.phase && <span>{doing(job)}</span>}{" "}
        {left !== null && <span class="fine">{left}</span>}
        {job.finished_at && <span class="fine">{t("job.ended", { moment: moment(job.finished_at) })}</span>}
      </p>
      {unfinished && <Progress job={job} />}
      {left !== null && mayEndEarly(job) && <p class="fine">{t("job.early")}</p>}
      {job.waiting_for && <p lang="en">{job.waiting_for}</p>}
      {job.error && <Failure {...job.error} />}
      <Live words={spoken(job, watched)} />
      {unfinished && (
        <div class="actions">
          <CancelJob id={job.id} />
          <span class="fine">{t("job.leave")}</span>
        </div>
      )}
      {job.status === "cancelled" && <Cancelled job={job} />}
    </section>
  );
}

function Cancelled({ job }: { job: Job }) {
  return (
    <p class="actions">
      <span>{t("job.cancelled")}</span>
      {job.kind === "adapter" && (
        <Link to={`new?again=${job.id}`} class="button">
          {t("job.again")}
        </Link>
      )}
    </p>
  );
}

/** What is said aloud. Not the time left: it is said seldom, and would be another than the one that is seen. */
function spoken(job: Job, { epochs }: Watched): string {
  const accuracy = epochs.at(-1)?.dev_accuracy;
  return [doing(job), job.status === "running" && typeof accuracy === "number" ? t("job.accuracy", { share: percent(accuracy) }) : ""].filter(Boolean).join(", ");
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
