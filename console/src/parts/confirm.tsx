/** A button for what cannot be undone: it asks once more. */
import { useId, useRef } from "preact/hooks";
import { t } from "../i18n";

interface Props {
  action: string;
  /** What screen readers say, where the button's words alone would not tell it from its neighbours. */
  spoken?: string;
  small?: boolean;
  title: string;
  words: string;
  /** What the button of the dialog says, where it does more than the one that opens it. */
  sure?: string;
  busy?: boolean;
  onSure: () => void;
}

export function Confirm({ action, spoken, small = false, title, words, sure = action, busy = false, onSure }: Props) {
  const asked = useRef<HTMLDialogElement>(null);
  const id = useId();
  return (
    <>
      <button type="button" class={`quiet danger${small ? " small" : ""}`} aria-label={spoken} disabled={busy} onClick={() => asked.current?.showModal()}>
        {action}
      </button>
      <dialog ref={asked} aria-labelledby={id}>
        <h2 id={id}>{title}</h2>
        <p>{words}</p>
        <form method="dialog" class="actions">
          <button type="submit" class="quiet danger" onClick={onSure}>
            {sure}
          </button>
          <button type="submit" class="quiet">
            {t("action.cancel")}
          </button>
        </form>
      </dialog>
    </>
  );
}
