/** Asks for the API key when the service wants one. */
import { useEffect, useRef, useState } from "preact/hooks";
import { onKeyWanted, type Asked } from "../api/key";
import { t } from "../i18n";
import { Field } from "./field";

export function KeyDialog() {
  const [asked, setAsked] = useState<Asked | null>(null);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => onKeyWanted(setAsked), []);
  useEffect(() => {
    if (asked) dialog.current?.showModal();
    else dialog.current?.close();
  }, [asked]);
  const answer = (event: SubmitEvent) => {
    event.preventDefault();
    const key = String(new FormData(event.currentTarget as HTMLFormElement).get("key")).trim();
    if (key) asked?.answer(key);
  };
  return (
    <dialog ref={dialog} aria-labelledby="key-title" onCancel={(event) => (event.preventDefault(), asked?.answer(null))}>
      {asked && (
        <form onSubmit={answer}>
          <h2 id="key-title">{t("key.title")}</h2>
          <p>{t("key.words")}</p>
          <Field label={t("key.label")} hint={t("key.kept")} fault={asked.refused ? t("error.unauthorized") : null}>
            {(attributes) => <input {...attributes} name="key" type="password" autocomplete="off" required />}
          </Field>
          <p class="actions">
            <button type="submit" class="button">
              {t("key.use")}
            </button>
            <button type="button" class="quiet" onClick={() => asked.answer(null)}>
              {t("action.cancel")}
            </button>
          </p>
        </form>
      )}
    </dialog>
  );
}
