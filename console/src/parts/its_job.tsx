/** The job that makes something which is not ready: the way to it, and why it failed. */
import { everyItem } from "../api/client";
import type { Job } from "../api/types";
import { jobTitle } from "./job_line";
import { Link } from "./link";
import { useLoad } from "./load";
import { Failure } from "./refusal";

const LOOKED_AT = 200;

interface Made {
  kind: Job["resource"]["kind"];
  id: string;
  status: string;
}

/** The newest job of something that is not ready; null where there is none, or none to be seen. */
export function useItsJob({ kind, id, status }: Made): Job | null {
  const find = async () => (await everyItem<Job>("jobs", { kind }, LOOKED_AT)).find((job) => job.resource.id === id) ?? null;
  return useLoad(async () => (status === "ready" ? null : find()), [kind, id, status]).data;
}

export function ItsJob(made: Made) {
  const job = useItsJob(made);
  if (!job) return null;
  return (
    <>
      {job.error && <Failure {...job.error} />}
      <p>
        <Link to={`jobs/${job.id}`}>{jobTitle(job)}</Link>
      </p>
    </>
  );
}
