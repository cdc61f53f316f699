/** How far a job is as a whole, and how long it will still take: one figure, and none rather than a wrong one. */
import type { Job } from "../api/types";
import { duration, t, wordFor } from "../i18n";

/** The phase that takes nearly all of a job's time: its share stands for the whole, other phases' do not. */
const MAIN: Record<Job["kind"], string> = { adapter: "training", ticket: "training", language_delta: "training", prediction: "predict" };

/** What comes after it takes seconds that nobody foretells. */
const LATE = new Set(["scoring", "testing", "select", "publish"]);

/** The share of the main phase from which on its own pace is worth something. */
const PACE_KNOWN = 0.05;
const LEAST_S = 5;

const STORED = "ltp.foreseen";
const MOST_KEPT = 20;

/** Keep for the tab how long a job was foreseen to take. */
export function foresee(job: string, seconds: number): void {
  const kept = [...Object.entries(foreseen()), [job, seconds] as const].slice(-MOST_KEPT);
  sessionStorage.setItem(STORED, JSON.stringify(Object.fromEntries(kept)));
}

function foreseen(): Record<string, number> {
  return JSON.parse(sessionStorage.getItem(STORED) ?? "{}") as Record<string, number>;
}

/** How much of the whole job is done; null while it does what its share says nothing of. */
export function shareDone({ status, kind, progress: { phase, step, total } }: Job): number | null {
  return status === "running" && phase === MAIN[kind] && total > 0 ? step / total : null;
}

/** What it is doing, in the reader's words. */
export function doing({ status, progress: { phase } }: Job): string {
  return status === "running" && phase ? wordFor("phase", phase) : wordFor("status", status);
}

/** How long it still takes, in words: by the pace of its main phase, before that as it was foreseen; else nothing. */
export function timeLeft(job: Job): string | null {
  const { phase, eta_s: left } = job.progress;
  const done = shareDone(job);
  if (done !== null && done >= PACE_KNOWN && left !== null) {
    return t(mayEndEarly(job) ? "job.left_most" : "job.left", { time: duration(left) });
  }
  const whole = foreseen()[job.id];
  if (job.status !== "running" || whole === undefined || !job.started_at || LATE.has(phase ?? "")) return null;
  const rest = whole - (Date.now() - Date.parse(job.started_at)) / 1000;
  return rest > LEAST_S ? t("job.left_about", { time: duration(rest) }) : null;
}

/** Whether it is training, which counts every epoch that there may be and ends when one helps no longer. */
export function mayEndEarly(job: Job): boolean {
  return job.kind !== "prediction" && shareDone(job) !== null;
}
