/** The console begins here: the reader's language first, then the pages. */
import { render } from "preact";
import { App } from "./app";
import { preferred, speak } from "./i18n";
import { HOME } from "./place";
import "./style/elements.css";
import "./style/parts.css";
import "./style/pages.css";

if (!location.pathname.startsWith(HOME)) history.replaceState(null, "", HOME);
await speak(preferred());
render(<App />, document.getElementById("app")!);
