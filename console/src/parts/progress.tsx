/** How far a job is: a bar where that is known, one that only says it goes on where it is not. */
import type { Job } from "../api/types";
import { t } from "../i18n";
import { shareDone } from "./time_left";

export function Progress({ job, short = false }: { job: Job; short?: boolean }) {
  const share = shareDone(job);
  return <progress class={short ? "" : "long"} {...(share === null ? {} : { max: 1, value: share })} aria-label={t("job.progress")} />;
}
