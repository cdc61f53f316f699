/** Judge a file: drop it, see what would be read, choose who answers; below it the files that were judged before. */
import { useState } from "preact/hooks";
import { call, everyItem, get } from "../../api/client";
import type { Language, Page as Items, Prediction, PredictionAccepted, Reading } from "../../api/types";
import { moment, number, plural, t, wordFor } from "../../i18n";
import { Check } from "../../parts/field";
import { FileDrop } from "../../parts/file_drop";
import { Link, useGo } from "../../parts/link";
import { useAction, useLoad, useNewest } from "../../parts/load";
import { NothingYet, nobody } from "../../parts/nothing_yet";
import { Page } from "../../parts/page";
import { Refusal } from "../../parts/refusal";
import { Unsure } from "../../parts/unsure";
import { WhoField, firstReference } from "../../parts/who";

export function Judge() {
  return (
    <Page title={t("judge.title")} lead={t("judge.lead")}>
      <NewFile />
      <Before />
    </Page>
  );
}

function NewFile() {
  const [file, setFile] = useState<File | null>(null);
  const [reading, setReading] = useState<Reading | null>(null);
  const asking = useNewest();
  const check = useAction(async (chosen: File) => {
    const newest = asking();
    const found = await call<Reading>("POST", "data/check", { form: { request: { task: "predict" }, file: chosen } });
    if (newest()) setReading(found);
  });
  const take = (chosen: File) => (setFile(chosen), setReading(null), check.run(chosen));
  return (
    <section aria-labelledby="judge-file">
      <h2 id="judge-file" class="unseen">
        {t("judge.file")}
      </h2>
      <FileDrop label={t("judge.drop")} hint={t("judge.formats")} file={file} onFile={take} />
      {check.busy && <p role="status">{t("new.checking")}</p>}
      <Refusal error={check.error} />
      {file && reading && <Form file={file} reading={reading} />}
    </section>
  );
}

function Form({ file, reading }: { file: File; reading: Reading }) {
  const go = useGo();
  const { data: languages, error } = useLoad(() => everyItem<Language>("languages"), []);
  const [chosen, setChosen] = useState("");
  const [ignore, setIgnore] = useState(false);
  const [unsure, setUnsure] = useState(0);
  const reference = chosen || firstReference(languages ?? []);
  const judge = useAction(async () => {
    const request = { adapter: reference, ...(ignore ? { ignore_row_lang: true } : {}), ...(unsure ? { min_confidence: unsure } : {}) };
    const accepted = await call<PredictionAccepted>("POST", "predictions", { form: { request, file } });
    go(`judge/${accepted.prediction.id}?job=${accepted.job.id}`);
  });
  const submit = (event: SubmitEvent) => (event.preventDefault(), judge.run());
  if (nobody(languages)) return <NothingYet />;
  return (
    <form onSubmit={submit}>
      <p>
        <strong>{plural("reading.pairs", reading.read)}</strong> {t("reading.of", { rows: reading.rows, format: reading.format })}
      </p>
      {reading.warnings.map((words) => (
        <p class="findings" lang="en" key={words}>
          {words}
        </p>
      ))}
      <Refusal error={error} />
      <WhoField languages={languages ?? []} value={reference} fault={judge.error?.at("adapter")} onChange={setChosen} />
      {reading.columns.lang && <Check label={t("judge.ignore", { column: reading.columns.lang })} checked={ignore} onChange={setIgnore} />}
      <Unsure value={unsure} onChange={setUnsure} />
      <Refusal error={judge.error} shown={["adapter"]} />
      <p class="actions">
        <button type="submit" class="button" disabled={judge.busy || !reference}>
          {judge.busy ? t("choice.sending") : t("try.judge")}
        </button>
      </p>
    </form>
  );
}

function Before() {
  const { data, error } = useLoad((signal) => get<Items<Prediction>>("predictions", { limit: 20 }, signal), []);
  if (error) return <Refusal error={error} />;
  if (!data?.items.length) return null;
  return (
    <section aria-labelledby="before">
      <h2 id="before">{t("judge.before")}</h2>
      <ul class="lines">
        {data.items.map((each) => (
          <li class="job" key={each.id}>
            <Link to={`judge/${each.id}`}>{each.filename ?? each.id}</Link>
            <span class={`status ${each.status}`}>{wordFor("status", each.status)}</span>
            <span class="fine">{plural("reading.pairs", each.pairs, { n: number(each.pairs) })}</span>
            <time class="fine" dateTime={each.created_at}>
              {moment(each.created_at)}
            </time>
          </li>
        ))}
      </ul>
    </section>
  );
}
