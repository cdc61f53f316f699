/** The frame around every page, and which page a path is. */
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { ErrorBoundary, LocationProvider, Route, Router, lazy } from "preact-iso";
import { askWho } from "./caller";
import { language, t } from "./i18n";
import { useSignal } from "./signal";
import { HOME, pagePath } from "./place";
import { KeyDialog } from "./parts/key_dialog";
import { Header } from "./parts/header";
import { Page } from "./parts/page";
import { Link } from "./parts/link";
import { Start } from "./pages/start";

/** Pages that are fetched when somebody goes there. */
const PAGES: [path: string, page: ComponentType][] = [
  ["", Start],
  ["new", lazy(() => import("./pages/new").then((found) => found.New))],
  ["try", lazy(() => import("./pages/try").then((found) => found.Try))],
  ["classifiers/:id", lazy(() => import("./pages/classifier").then((found) => found.ClassifierPage))],
  ["judge", lazy(() => import("./pages/judge").then((found) => found.Judge))],
  ["judge/:id", lazy(() => import("./pages/judge").then((found) => found.JudgedFile))],
  ["next", lazy(() => import("./pages/next").then((found) => found.Next))],
  ["tickets", lazy(() => import("./pages/tickets").then((found) => found.Tickets))],
  ["tickets/:id", lazy(() => import("./pages/tickets").then((found) => found.TicketPage))],
  ["jobs", lazy(() => import("./pages/office").then((found) => found.Jobs))],
  ["workers", lazy(() => import("./pages/office").then((found) => found.Workers))],
  ["keys", lazy(() => import("./pages/office").then((found) => found.Keys))],
  ["audit", lazy(() => import("./pages/office").then((found) => found.Audit))],
  ["jobs/:id", lazy(() => import("./pages/job").then((found) => found.JobPage))],
];

function NotFound() {
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
}

export function App() {
  const spoken = useSignal(language);
  useEffect(() => void askWho(), []);
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
      <main id="main" tabIndex={-1} key={spoken}>
        <ErrorBoundary>
          <Router>
            {PAGES.map(([path, page]) => (
              <Route key={path} path={pagePath(path)} component={page} />
            ))}
            <Route default component={NotFound} />
          </Router>
        </ErrorBoundary>
      </main>
      <KeyDialog />
    </LocationProvider>
  );
}
