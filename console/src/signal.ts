/** A value that components can watch: the least of a store that the console needs. */
import { useEffect, useState } from "preact/hooks";

export interface Signal<T> {
  value: T;
  subscribe(listener: () => void): () => void;
}

export function signal<T>(first: T): Signal<T> {
  let current = first;
  const listeners = new Set<() => void>();
  return {
    get value() {
      return current;
    },
    set value(next: T) {
      current = next;
      listeners.forEach((listener) => listener());
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The value of a signal; the component is drawn again when it changes. */
export function useSignal<T>(watched: Signal<T>): T {
  const [, redraw] = useState(0);
  useEffect(() => watched.subscribe(() => redraw((n) => n + 1)), [watched]);
  return watched.value;
}
