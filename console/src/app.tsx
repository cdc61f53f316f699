/** The frame around every page, and which page a path is. */
import type { ComponentType } from "preact";
import { ErrorBoundary, LocationProvider, Route, Router, lazy } from "preact-iso";
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
