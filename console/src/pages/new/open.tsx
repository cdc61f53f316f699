/** Open a classifier from the file that another LTP gave. */
import { useState } from "preact/hooks";
import { call } from "../../api/client";
import type { Adapter } from "../../api/types";
import { t } from "../../i18n";
import { Check } from "../../parts/field";
import { FileDrop } from "../../parts/file_drop";
import { useGo } from "../../parts/link";
import { useAction } from "../../parts/load";
import { Page } from "../../parts/page";
import { Refusal } from "../../parts/refusal";
import { takeHanded } from "./handed";

export function Open() {
  const [file, setFile] = useState<File | null>(takeHanded);
  const [production, setProduction] = useState(true);
  const go = useGo();
  const open = useAction(async (chosen: File) => {
    const form = { request: production ? { alias: "production" } : {}, file: chosen };
    const opened = await call<Adapter>("POST", "adapters/import", { form });
    go(`classifiers/${opened.id}`);
  });
  const take = (chosen: File) => (open.setError(null), setFile(chosen));
  const submit = (event: SubmitEvent) => (event.preventDefault(), file && open.run(file));
  return (
    <Page title={t("open.title")} lead={t("open.lead")}>
      <form onSubmit={submit}>
        <FileDrop label={t("open.drop")} hint={t("open.formats")} file={file} onFile={take} />
        {file && <Check label={t("choice.production")} hint={t("choice.production_hint")} checked={production} onChange={setProduction} />}
        {open.busy && <p role="status">{t("open.opening")}</p>}
        <Refusal error={open.error} />
        {file && (
          <p class="actions">
            <button type="submit" class="button" disabled={open.busy}>
              {t("open.open")}
            </button>
          </p>
        )}
      </form>
    </Page>
  );
}
