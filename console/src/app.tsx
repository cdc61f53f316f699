/** The frame around every page, and which page a path is. */
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { LocationProvider, Route, Router, lazy, useLocation } from "preact-iso";
import { onKeyGiven } from "./api/key";
import { askWho } from "./caller";
import { language, t } from "./i18n";
import { useSignal } from "./signal";
import { HOME, pagePath } from "./place";
import { Boundary, Broken } from "./parts/boundary";
import { KeyDialog } from "./parts/key_dialog";
import { Header } from "./parts/header";
import { Page } from "./parts/page";
import { Link } from "./parts/link";
import { Start } from "./pages/start";

type Pages = Record<string, ComponentType>;

/** A page that is fetched when somebody goes there. Where it cannot be had, that is said in its place. */
function fetched<P extends Pages>(load: () => Promise<P>, name: keyof P): ComponentType {
  return spoken(lazy(() => load().then<ComponentType, ComponentType>((found) => found[name]!, () => Broken)));
}

/** A page in the reader's language: drawn again when another is chosen, with all that was entered in it. */
function spoken(Shown: ComponentType): ComponentType {
  return function Spoken() {
    useSignal(language);
    return <Shown />;
  };
}

const classifier = () => import("./pages/classifier");
const job = () => import("./pages/job");
const judge = () => import("./pages/judge");
const newOne = () => import("./pages/new");
const next = () => import("./pages/next");
const office = () => import("./pages/office");
const tickets = () => import("./pages/tickets");
const tryIt = () => import("./pages/try");

const PAGES: [path: string, page: ComponentType][] = [
  ["", spoken(Start)],
  ["new", fetched(newOne, "New")],
  ["open", fetched(newOne, "Open")],
  ["try", fetched(tryIt, "Try")],
  ["classifiers/:id", fetched(classifier, "ClassifierPage")],
  ["judge", fetched(judge, "Judge")],
  ["judge/:id", fetched(judge, "JudgedFile")],
  ["next", fetched(next, "Next")],
  ["tickets", fetched(tickets, "Tickets")],
  ["tickets/:id", fetched(tickets, "TicketPage")],
  ["jobs", fetched(office, "Jobs")],
  ["workers", fetched(office, "Workers")],
  ["keys", fetched(office, "Keys")],
  ["audit", fetched(office, "Audit")],
  ["jobs/:id", fetched(job, "JobPage")],
];

const NotFound = spoken(function NotFound() {
  return (
    <Page title={t("missing.title")}>
      <p>{t("missing.words")}</p>
      <p>
        <Link to="" class="button">
          {t("nav.start")}
        </Link>
      </p>
    </Page>
  );
});

/** Which page a path is. */
function Shown() {
  const { path } = useLocation();
  return (
    <Boundary path={path}>
      <Router>
        {PAGES.map(([page, component]) => (
          <Route key={page} path={pagePath(page)} component={component} />
        ))}
        <Route default component={NotFound} />
      </Router>
    </Boundary>
  );
}

/** A file that misses its place: the browser would leave the page and open it. */
const missed = (event: DragEvent) => event.preventDefault();

export function App() {
  useSignal(language);
  useEffect(() => (onKeyGiven(() => void askWho()), void askWho()), []);
  useEffect(() => {
    for (const kind of ["dragover", "drop"] as const) addEventListener(kind, missed);
    return () => ["dragover", "drop"].forEach((kind) => removeEventListener(kind, missed as EventListener));
  }, []);
  const skip = (event: Event) => {
    event.preventDefault(); // with a <base>, a fragment alone would lead to another page
    document.getElementById("main")?.focus();
  };
  return (
    <LocationProvider scope={HOME}>
      <a class="skip" href="#main" onClick={skip}>
        {t("nav.skip")}
      </a>
      <Header />
      <main id="main" tabIndex={-1}>
        <Shown />
      </main>
      <KeyDialog />
    </LocationProvider>
  );
}
