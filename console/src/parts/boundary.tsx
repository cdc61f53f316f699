/** What is shown in the place of a page that could not be fetched, or could not be drawn. */
import { Component, type ComponentChildren } from "preact";
import { t } from "../i18n";
import { Page } from "./page";

export function Broken() {
  return (
    <Page title={t("broken.title")}>
      <p role="alert">{t("broken.words")}</p>
      <p>
        <button type="button" class="button" onClick={() => location.reload()}>
          {t("broken.again")}
        </button>
      </p>
    </Page>
  );
}

interface Props {
  /** Where one is: another page is tried again. */
  path: string;
  children: ComponentChildren;
}

/** Keeps the frame of the page when something in it fails. */
export class Boundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false };

  static override getDerivedStateFromError() {
    return { failed: true };
  }

  override componentDidCatch(problem: unknown) {
    console.error(problem);
  }

  override componentDidUpdate(before: Props) {
    if (before.path !== this.props.path && this.state.failed) this.setState({ failed: false });
  }

  override render() {
    return this.state.failed ? <Broken /> : this.props.children;
  }
}
