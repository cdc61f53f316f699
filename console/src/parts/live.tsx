/** What screen readers are told while something goes on: seldom, and only what has changed. */
import { useEffect, useState } from "preact/hooks";

const SELDOM_MS = 8000;

/** Says `words` now, and later ones when some seconds have passed. */
export function Live({ words }: { words: string }) {
  const [said, setSaid] = useState({ words: "", at: 0 });
  useEffect(() => {
    const wait = Math.max(0, said.at + SELDOM_MS - Date.now());
    const timer = setTimeout(() => setSaid({ words, at: Date.now() }), wait);
    return () => clearTimeout(timer);
  }, [words]);
  return (
    <p class="unseen" role="status" aria-live="polite">
      {said.words}
    </p>
  );
}
