/** A job's event stream by `fetch`, since EventSource sends no key: resumed where it broke off, by polling where it cannot be. */
import { ApiError, get, send } from "./client";
import type { Job } from "./types";

export interface JobEvent {
  /** As the service names them; `lost` while it does not answer. */
  kind: "progress" | "log" | "done" | "lost";
  data: Record<string, unknown>;
  id: string | null;
}

const PAUSE_MS = 1500;
const LONGEST_PAUSE_MS = 30_000;
const SILENCE_MS = 45_000; // the service sends a comment every 15 s
const FINISHED = new Set(["succeeded", "failed", "cancelled"]);

/** Yield a job's events until it is finished or `signal` says stop. */
export async function* follow(jobId: string, signal: AbortSignal): AsyncGenerator<JobEvent> {
  let last: string | null = null;
  let wait = PAUSE_MS;
  while (!signal.aborted) {
    try {
      for await (const event of streamed(jobId, last, signal)) {
        last = event.id ?? last;
        wait = PAUSE_MS;
        yield event;
        if (event.kind === "done") return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status !== 0 && error.status !== 429 && error.status !== 503) throw error;
    }
    const job = await polled(jobId, signal);
    if (job) yield { kind: "progress", data: { ...job.progress, attempt: job.attempt }, id: null };
    else yield { kind: "lost", data: {}, id: null };
    if (job && FINISHED.has(job.status)) {
      yield { kind: "done", data: { status: job.status, error: job.error }, id: null };
      return;
    }
    await pause(wait, signal);
    wait = job ? PAUSE_MS : Math.min(2 * wait, LONGEST_PAUSE_MS);
  }
}

async function polled(jobId: string, signal: AbortSignal): Promise<Job | null> {
  try {
    return await get<Job>(`jobs/${jobId}`, {}, signal);
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 403)) throw error;
    return null;
  }
}

async function* streamed(jobId: string, last: string | null, signal: AbortSignal): AsyncGenerator<JobEvent> {
  const headers: Record<string, string> = { Accept: "text/event-stream" };
  if (last !== null) headers["Last-Event-ID"] = last;
  const response = await send("GET", `jobs/${jobId}/events`, { headers, signal });
  if (response.status === 204 || !response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const silent = setTimeout(() => void reader.cancel(), SILENCE_MS); // a connection that is gone, and nobody said so
    const { done, value } = await reader.read().finally(() => clearTimeout(silent));
    if (done) return;
    const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = parsed(block);
      if (event) yield event;
    }
  }
}

/** One block of the stream; null for comments, which keep the connection alive. */
function parsed(block: string): JobEvent | null {
  const fields = new Map<string, string>();
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ""));
  }
  const data = fields.get("data");
  if (!data) return null;
  return {
    kind: (fields.get("event") ?? "progress") as JobEvent["kind"],
    data: JSON.parse(data) as Record<string, unknown>,
    id: fields.get("id") ?? null,
  };
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
