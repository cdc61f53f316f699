/** Fetching for a component: the latest answer, the refusal if there was one, and a way to ask again. */
import { useCallback, useEffect, useState } from "preact/hooks";
import { ApiError } from "../api/client";

export interface Loaded<T> {
  data: T | null;
  error: ApiError | null;
  again: () => void;
}

export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, "page_fault", String(error));
}

/** Fetch when `inputs` change, and every `everyMs` while the page is looked at. */
export function useLoad<T>(fetcher: (signal: AbortSignal) => Promise<T>, inputs: unknown[], everyMs?: number): Loaded<T> {
  const [data, setData] = useState<T | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [round, setRound] = useState(0);
  const again = useCallback(() => setRound((n) => n + 1), []);
  useEffect(() => {
    const control = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      try {
        if (!document.hidden) setData(await fetcher(control.signal));
        setError(null);
      } catch (problem) {
        if (!control.signal.aborted) setError(asApiError(problem));
      }
      if (everyMs && !control.signal.aborted) timer = setTimeout(() => void look(), everyMs);
    };
    void look();
    return () => (control.abort(), clearTimeout(timer));
  }, [...inputs, round]);
  return { data, error, again };
}

/** Something a person starts: whether it runs, and how it was refused. */
export function useAction<A extends unknown[]>(act: (...given: A) => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const run = async (...given: A) => {
    setBusy(true);
    setError(null);
    try {
      await act(...given);
    } catch (problem) {
      setError(asApiError(problem));
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, setError, run: (...given: A) => void run(...given) };
}
