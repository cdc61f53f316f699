/** A classifier's page: how good it is, where it errs, how far it can be trusted, what it was made from, its versions. */
import { useRoute } from "preact-iso";
import { get } from "../../api/client";
import type { Adapter } from "../../api/types";
import { languageName, t, wordFor } from "../../i18n";
import { AliasMarks } from "../../parts/alias_marks";
import { ItsJob } from "../../parts/its_job";
import { useLoad } from "../../parts/load";
import { Page } from "../../parts/page";
import { Refusal } from "../../parts/refusal";
import { Actions } from "./actions";
import { Answers } from "./answers";
import { CertaintyView } from "./certainty";
import { Confusion, PerLabel } from "./confusion";
import { Courses } from "./courses";
import { Provenance } from "./provenance";
import { ScoreView } from "./score";
import { Versions } from "./versions";

export function ClassifierPage() {
  const id = useRoute().params["id"] ?? "";
  const { data: adapter, error, again } = useLoad((signal) => get<Adapter>(`adapters/${id}`, {}, signal), [id]);
  return (
    <Page title={adapter ? titleOf(adapter) : t("classifier.title")}>
      <Refusal error={error} />
      {!adapter && !error && <p role="status">{t("loading")}</p>}
      {adapter && <Body key={adapter.id} adapter={adapter} onChange={again} />}
    </Page>
  );
}

export function titleOf({ lang, version }: Adapter): string {
  const name = languageName(lang);
  return version === null ? name : t("answer.who", { language: name, version: String(version) });
}

function Body({ adapter, onChange }: { adapter: Adapter; onChange: () => void }) {
  const { dev } = adapter.metrics;
  return (
    <>
      <p>
        {adapter.name && adapter.origin !== "starter" && <span class="lead">{adapter.name} </span>}
        {adapter.status !== "ready" && <span class={`status ${adapter.status}`}>{wordFor("status", adapter.status)}</span>}
        <AliasMarks aliases={adapter.aliases} />
      </p>
      {adapter.status !== "ready" && <ItsJob kind="adapter" id={adapter.id} status={adapter.status} />}
      <Actions adapter={adapter} onChange={onChange} />
      <ScoreView adapter={adapter} />
      {dev && (
        <div class="pair">
          <Confusion score={dev} />
          <PerLabel score={dev} />
        </div>
      )}
      {adapter.metrics.certainty && <CertaintyView certainty={adapter.metrics.certainty} />}
      {dev && adapter.metrics.certainty && adapter.origin === "training" && <Answers adapter={adapter} score={dev} />}
      <Versions adapter={adapter} />
      <Courses adapter={adapter} />
      <Provenance adapter={adapter} />
    </>
  );
}
