/** A job as it goes on: its state, its curves and what it says, from its event stream. */
import { useEffect, useState } from "preact/hooks";
import { get, type ApiError } from "../../api/client";
import { follow, type JobEvent } from "../../api/events";
import type { Job } from "../../api/types";
import { asApiError } from "../../parts/load";

export interface EpochPoint {
  seed: number;
  /** Where several learning rates are tried. */
  rate?: number;
  epoch: number;
  train_loss: number | null;
  dev_loss: number | null;
  dev_accuracy: number | null;
}

export interface Watched {
  job: Job | null;
  losses: { step: number; loss: number }[];
  epochs: EpochPoint[];
  said: string[];
  /** Whether the service does not answer just now; it is asked again. */
  lost: boolean;
  error: ApiError | null;
}

const NOTHING: Watched = { job: null, losses: [], epochs: [], said: [], lost: false, error: null };
const MOST_POINTS = 2000;

export function useJob(id: string): Watched {
  const [watched, setWatched] = useState(NOTHING);
  useEffect(() => {
    const control = new AbortController();
    setWatched(NOTHING);
    const watch = async () => {
      try {
        const job = await get<Job>(`jobs/${id}`, {}, control.signal);
        setWatched((now) => ({ ...now, job }));
        for await (const event of follow(id, control.signal)) {
          setWatched((now) => take(now, event));
        }
        if (!control.signal.aborted) {
          const finished = await get<Job>(`jobs/${id}`, {}, control.signal);
          setWatched((now) => ({ ...now, job: finished }));
        }
      } catch (problem) {
        if (!control.signal.aborted) setWatched((now) => ({ ...now, error: asApiError(problem) }));
      }
    };
    void watch();
    return () => control.abort();
  }, [id]);
  return watched;
}

function take(before: Watched, { kind, data }: JobEvent): Watched {
  const now = { ...before, lost: kind === "lost" };
  if (kind === "done" && now.job) {
    return { ...now, job: { ...now.job, status: data["status"] as Job["status"], error: (data["error"] as Job["error"] | undefined) ?? null } };
  }
  if (kind === "log") return { ...now, said: [...now.said, String(data["message"] ?? "")] };
  if (kind !== "progress" || !now.job) return now;
  const told = data as unknown as Job["progress"];
  const progress = inTurns(now.job.progress, told);
  const status = now.job.status === "queued" ? ("running" as const) : now.job.status;
  const again = typeof data["attempt"] === "number" && data["attempt"] !== now.job.attempt && now.job.status === "running";
  const curves = again ? { losses: [], epochs: [] } : now;
  return {
    ...now,
    job: { ...now.job, status, progress, started_at: now.job.started_at ?? new Date().toISOString(), attempt: (data["attempt"] as number | undefined) ?? now.job.attempt },
    losses: withLoss(curves.losses, told),
    epochs: withEpochs(curves.epochs, data),
  };
}

/** Validating takes turns with training: it is not told as a phase of its own, whose share would jump to and fro. */
function inTurns(before: Job["progress"], told: Job["progress"]): Job["progress"] {
  return told.phase === "validating" && before.phase === "training" ? before : told;
}

function withLoss(losses: Watched["losses"], { phase, step, metrics }: Job["progress"]): Watched["losses"] {
  const loss = (metrics as Record<string, unknown>)["loss"];
  const last = losses.at(-1);
  if (typeof loss !== "number" || phase !== "training" || (last && last.step >= step)) return losses;
  return [...losses, { step, loss }].slice(-MOST_POINTS);
}

/** The epochs of the training under way, with those that have ended since the event before: each seed begins anew. */
function withEpochs(epochs: EpochPoint[], data: Record<string, unknown>): EpochPoint[] {
  const ended = (data["epochs"] as EpochPoint[] | undefined) ?? [];
  const newest = ended.at(-1);
  if (!newest) return epochs;
  return [...epochs, ...ended].filter(({ seed, rate }) => seed === newest.seed && rate === newest.rate).slice(-MOST_POINTS);
}
