/** What can be done with a classifier: try it, put it in production, take it along, delete it. */
import { call } from "../../api/client";
import type { Adapter } from "../../api/types";
import { useMay } from "../../caller";
import { t } from "../../i18n";
import { Confirm } from "../../parts/confirm";
import { Link, useGo } from "../../parts/link";
import { useAction } from "../../parts/load";
import { Refusal } from "../../parts/refusal";
import { Export } from "./export";

const PRODUCTION = "production";

export function Actions({ adapter, onChange }: { adapter: Adapter; onChange: () => void }) {
  const go = useGo();
  const trains = useMay("train");
  const promote = useAction(async () => {
    await call("PUT", `languages/${encodeURIComponent(adapter.lang)}/aliases/${PRODUCTION}`, { json: { version: adapter.version } });
    onChange();
  });
  const remove = useAction(async () => {
    await call("DELETE", `adapters/${adapter.id}`);
    go("");
  });
  const ready = adapter.status === "ready";
  const own = adapter.origin !== "starter";
  return (
    <>
      <div class="actions">
        {ready && (
          <Link to={own ? `try?lang=${encodeURIComponent(adapter.lang)}&version=${adapter.version}` : "try"} class="button">
            {t("nav.try")}
          </Link>
        )}
        {ready && own && trains && !adapter.aliases.includes(PRODUCTION) && (
          <button type="button" class="quiet" disabled={promote.busy} onClick={() => promote.run()}>
            {t("classifier.promote")}
          </button>
        )}
        {ready && <Export adapter={adapter} />}
        {ready && own && <Link to={`next?lang=${encodeURIComponent(adapter.lang)}&adapter=${adapter.id}`}>{t("nav.next")}</Link>}
        {own && trains && (
          <Confirm action={t("classifier.delete")} title={t("classifier.delete_title")} words={t("classifier.delete_words")} busy={remove.busy} onSure={remove.run} />
        )}
      </div>
      <Refusal error={promote.error ?? remove.error} />
    </>
  );
}
