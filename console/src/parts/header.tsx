/** The head of every page: where one can go, the language, and the key if there is one. */
import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { forgetKey, storedKey } from "../api/key";
import type { Scope } from "../api/types";
import { caller, may } from "../caller";
import { LANGUAGES, language, speak, t, type Key, type Language } from "../i18n";
import { useSignal } from "../signal";
import { Link } from "./link";

const PAGES: [page: string, words: Key][] = [
  ["", "nav.start"],
  ["new", "nav.new"],
  ["try", "nav.try"],
  ["judge", "nav.judge"],
  ["next", "nav.next"],
];

/** What fewer people need, each with the scope that it asks for. */
const FURTHER: [page: string, words: Key, scope: Scope][] = [
  ["tickets", "nav.tickets", "read"],
  ["jobs", "nav.jobs", "read"],
  ["workers", "nav.workers", "read"],
  ["keys", "nav.keys", "admin"],
  ["audit", "nav.audit", "admin"],
];

export function Header() {
  const { path } = useLocation();
  useSignal(caller);
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => setOpen(false), [path]);
  const close = (event: KeyboardEvent) => {
    if (event.key === "Escape" && open) (setOpen(false), button.current?.focus());
  };
  return (
    <header class="head" onKeyDown={close}>
      <Link to="" class="wordmark">
        LTP
      </Link>
      <button ref={button} type="button" class="menu" aria-expanded={open} aria-controls="pages" onClick={() => setOpen(!open)}>
        {t("nav.menu")}
      </button>
      <nav id="pages" class={open ? "open" : ""} aria-label={t("nav.pages")}>
        <ul>
          {PAGES.map(([page, words]) => (
            <li key={page}>
              <Link to={page}>{t(words)}</Link>
            </li>
          ))}
        </ul>
        <ul class="further">
          {FURTHER.filter(([, , scope]) => may(scope)).map(([page, words]) => (
            <li key={page}>
              <Link to={page}>{t(words)}</Link>
            </li>
          ))}
        </ul>
      </nav>
      <div class="own">
        <LanguageChoice />
        {storedKey() && <ForgetKey />}
      </div>
    </header>
  );
}

function LanguageChoice() {
  const spoken = useSignal(language);
  return (
    <label>
      <span class="unseen">{t("nav.language")}</span>
      <select value={spoken} onChange={(event) => void speak(event.currentTarget.value as Language, { keep: true })}>
        {Object.entries(LANGUAGES).map(([tag, name]) => (
          <option key={tag} value={tag} lang={tag}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function ForgetKey() {
  const forget = () => (forgetKey(), location.reload());
  return (
    <button type="button" class="quiet small" onClick={forget}>
      {t("key.forget")}
    </button>
  );
}
