/** Fetching for a component: the latest answer, the refusal if there was one, and a way to ask again. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api/client";

export interface Loaded<T> {
  data: T | null;
  error: ApiError | null;
  again: () => void;
}

export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, "page_fault", String(error));
}

export interface Repeat<T> {
  everyMs: number;
  /** Whether there is nothing new to come. */
  until?: (data: T) => boolean;
}

/** Fetch when `inputs` change, and again and again while the page is looked at, if that is asked for. */
export function useLoad<T>(fetcher: (signal: AbortSignal) => Promise<T>, inputs: unknown[], repeat?: Repeat<T>): Loaded<T> {
  const [data, setData] = useState<T | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [round, setRound] = useState(0);
  const again = useCallback(() => setRound((n) => n + 1), []);
  useEffect(() => {
    const control = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (first: boolean) => {
      let done = false; // also where nobody gave a key: it is not asked for again and again
      try {
        if (first || !document.hidden) {
          const found = await fetcher(control.signal);
          if (control.signal.aborted) return;
          done = repeat?.until?.(found) ?? false;
          setData(found);
        }
        setError(null);
      } catch (problem) {
        if (!control.signal.aborted) setError(asApiError(problem));
        done = asApiError(problem).status === 401;
      }
      if (repeat && !done && !control.signal.aborted) timer = setTimeout(() => void look(false), repeat.everyMs);
    };
    void look(true);
    return () => (control.abort(), clearTimeout(timer));
  }, [...inputs, round]);
  return { data, error, again };
}

/** Tell answers that were overtaken: called before asking, it gives a question whether nothing was asked since. */
export function useNewest(): () => () => boolean {
  const asked = useRef(0);
  return useCallback(() => {
    const mine = ++asked.current;
    return () => mine === asked.current;
  }, []);
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
