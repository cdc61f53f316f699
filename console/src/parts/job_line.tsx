/** A job in one line: what it makes, how far it is, the time left. */
import type { Job } from "../api/types";
import { languageName, moment, wordFor } from "../i18n";
import { Link } from "./link";
import { Progress } from "./progress";
import { doing, timeLeft } from "./time_left";

/** What a job makes: its kind, the language and the name it was given. */
export function jobTitle({ kind, resource: { lang, name } }: Job): string {
  const about = [lang && languageName(lang), name].filter(Boolean).join(", ");
  return about ? `${wordFor("job", kind)}: ${about}` : wordFor("job", kind);
}

export function JobLine({ job }: { job: Job }) {
  const left = timeLeft(job);
  return (
    <li class="job">
      <Link to={`jobs/${job.id}`}>{jobTitle(job)}</Link>
      <span class={`status ${job.status}`}>{doing(job)}</span>
      {job.status === "running" && <Progress job={job} short />}
      {left !== null && <span class="fine">{left}</span>}
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
