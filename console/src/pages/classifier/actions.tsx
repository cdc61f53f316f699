/** What can be done with a classifier: try it, put it in production, take it along, delete it. */
import { call } from "../../api/client";
import type { Adapter } from "../../api/types";
import { useMay } from "../../caller";
import { languageName, t } from "../../i18n";
import { Confirm } from "../../parts/confirm";
import { Link, useGo } from "../../parts/link";
import { useAction } from "../../parts/load";
import { Refusal } from "../../parts/refusal";
import { Export } from "./export";

const PRODUCTION = "production";

/** What is said before it is deleted: more where something points at it. */
function warningOf({ aliases, lang }: Adapter): { title: string; words: string; sure?: string } {
  const usual = { title: t("classifier.delete_title"), words: t("classifier.delete_words") };
  if (!aliases.length) return usual;
  const sure = t("classifier.retire");
  if (!aliases.includes(PRODUCTION)) return { ...usual, words: t("classifier.named_words", { names: aliases.join(", ") }), sure };
  const language = languageName(lang);
  return { title: t("classifier.retire_title", { language }), words: t("classifier.retire_words", { language }), sure };
}

export function Actions({ adapter, onChange }: { adapter: Adapter; onChange: () => void }) {
  const go = useGo();
  const trains = useMay("train");
  const promote = useAction(async () => {
    await call("PUT", `languages/${encodeURIComponent(adapter.lang)}/aliases/${PRODUCTION}`, { json: { version: adapter.version } });
    onChange();
  });
  const remove = useAction(async () => {
    try {
      for (const alias of adapter.aliases) await call("DELETE", `languages/${encodeURIComponent(adapter.lang)}/aliases/${alias}`);
      await call("DELETE", `adapters/${adapter.id}`);
    } catch (problem) {
      if (adapter.aliases.length) onChange(); // some of them may be gone
      throw problem;
    }
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
        {own && trains && <Confirm action={t("classifier.delete")} {...warningOf(adapter)} busy={remove.busy} onSure={remove.run} />}
      </div>
      <Refusal error={promote.error ?? remove.error} />
    </>
  );
}
