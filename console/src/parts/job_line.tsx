/** A job in one line: what it makes, how far it is, the time left. */
import type { Job } from "../api/types";
import { duration, languageName, moment, t, wordFor } from "../i18n";
import { Link } from "./link";

/** What a job makes: its kind, the language and the name it was given. */
export function jobTitle({ kind, resource: { lang, name } }: Job): string {
  const about = [lang && languageName(lang), name].filter(Boolean).join(", ");
  return about ? `${wordFor("job", kind)}: ${about}` : wordFor("job", kind);
}

export function JobLine({ job }: { job: Job }) {
  const { step, total, eta_s: left } = job.progress;
  return (
    <li class="job">
      <Link to={`jobs/${job.id}`}>{jobTitle(job)}</Link>
      <span class={`status ${job.status}`}>{wordFor("status", job.status)}</span>
      {job.status === "running" && total > 0 && <progress max={total} value={step} aria-label={t("job.progress")} />}
      {job.status === "running" && left !== null && <span class="fine">{t("job.left", { time: duration(left) })}</span>}
      {job.waiting_for && (
        <span class="fine" lang="en">
          {job.waiting_for}
        </span>
      )}
      <time class="fine" dateTime={job.created_at}>
        {moment(job.created_at)}
      </time>
    </li>
  );
}
