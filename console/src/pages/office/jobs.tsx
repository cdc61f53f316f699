/** Jobs: what runs, what waits, what became of the others. */
import { useState } from "preact/hooks";
import type { Job } from "../../api/types";
import { duration, moment, percent, t } from "../../i18n";
import { Field } from "../../parts/field";
import { jobTitle } from "../../parts/job_line";
import { Link } from "../../parts/link";
import { Listing } from "../../parts/listing";
import { Page } from "../../parts/page";
import { doing, shareDone } from "../../parts/time_left";

const STATUSES = ["running", "queued", "succeeded", "failed", "cancelled"] as const;

export function Jobs() {
  const [status, setStatus] = useState("");
  return (
    <Page title={t("nav.jobs")} lead={t("jobs.lead")}>
      <Field label={t("jobs.status")}>
        {(attributes) => (
          <select {...attributes} value={status} onChange={(event) => setStatus(event.currentTarget.value)}>
            <option value="">{t("jobs.any")}</option>
            {STATUSES.map((each) => (
              <option key={each} value={each}>
                {t(`status.${each}`)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Listing<Job> path="jobs" query={{ status }} label={t("nav.jobs")} empty={t("jobs.none")} heads={[t("job.title"), t("jobs.status"), t("jobs.since"), t("jobs.took")]} row={row} />
    </Page>
  );
}

function row(job: Job) {
  const share = shareDone(job);
  const end = job.finished_at ? Date.parse(job.finished_at) : Date.now();
  return (
    <tr key={job.id}>
      <th scope="row">
        <Link to={`jobs/${job.id}`}>{jobTitle(job)}</Link>
      </th>
      <td>
        <span class={`status ${job.status}`}>{doing(job)}</span> {share !== null && percent(share, 0)}
        {job.error && (
          <span class="fine" lang="en">
            {" "}
            {job.error.detail}
          </span>
        )}
      </td>
      <td>{moment(job.created_at)}</td>
      <td>{job.started_at ? tookWords(job, duration((end - Date.parse(job.started_at)) / 1000)) : "–"}</td>
    </tr>
  );
}

function tookWords(job: Job, time: string): string {
  return job.finished_at ? time : t("jobs.so_far", { time });
}
