/** What to label next: unlabelled pairs in, the most useful first; labelled here with three keys, and trained again. */
import { useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { call, everyItem } from "../../api/client";
import type { Language, Suggestions } from "../../api/types";
import { languageName, t } from "../../i18n";
import { Field } from "../../parts/field";
import { FileDrop } from "../../parts/file_drop";
import { useAction, useLoad } from "../../parts/load";
import { NothingYet } from "../../parts/nothing_yet";
import { Page } from "../../parts/page";
import { Refusal } from "../../parts/refusal";
import { ownLanguages } from "../../parts/who";
import { Labelling } from "./labelling";
import { store, storedRound, type Round } from "./labelled";

const USUAL = 20;
const MOST = 200;

export function Next() {
  const [round, setRound] = useState<Round | null>(storedRound);
  const newest = useRef(round); // two keys may come between two drawings of the page
  const set = (next: Round | null) => {
    newest.current = next;
    store(next);
    setRound(next);
  };
  const change = (changed: (round: Round) => Round | null) => newest.current && set(changed(newest.current));
  return (
    <Page title={t("next.title")} lead={t("next.lead")}>
      {round ? <Labelling round={round} onChange={change} /> : <Ask onRound={set} />}
    </Page>
  );
}

function Ask({ onRound }: { onRound: (round: Round) => void }) {
  const { query } = useLocation();
  const { data: languages, error } = useLoad(() => everyItem<Language>("languages"), []);
  const [chosen, setChosen] = useState(query["lang"] ?? "");
  const [file, setFile] = useState<File | null>(null);
  const [n, setN] = useState(String(USUAL));
  const own = ownLanguages(languages ?? []).filter((each) => each.answering);
  const language = own.find((each) => each.lang === chosen) ?? own[0];
  const adapter = (language?.lang === query["lang"] && query["adapter"]) || language?.answering?.adapter;
  const ask = useAction(async () => {
    const found = await call<Suggestions>("POST", `adapters/${adapter}/suggestions`, { form: { request: { n: Number(n) || USUAL }, file: file! } });
    onRound({ adapter: found.adapter.id, lang: found.adapter.lang, items: found.items, labels: [] });
  });
  const submit = (event: SubmitEvent) => (event.preventDefault(), ask.run());
  if (languages && !own.length) return <NothingYet />;
  return (
    <form onSubmit={submit}>
      <Refusal error={error} />
      <Field label={t("next.which")}>
        {(attributes) => (
          <select {...attributes} value={language?.lang ?? ""} onChange={(event) => setChosen(event.currentTarget.value)}>
            {own.map((each) => (
              <option key={each.lang} value={each.lang}>
                {languageName(each.lang, each.name)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <FileDrop label={t("next.drop")} hint={t("next.formats")} file={file} onFile={setFile} />
      <Field label={t("next.n")} fault={ask.error?.at("n")}>
        {(attributes) => <input {...attributes} type="number" min="1" max={MOST} value={n} onInput={(event) => setN(event.currentTarget.value)} />}
      </Field>
      <Refusal error={ask.error} shown={["n"]} />
      <p class="actions">
        <button type="submit" class="button" disabled={!file || !adapter || ask.busy}>
          {ask.busy ? t("choice.sending") : t("next.ask")}
        </button>
      </p>
    </form>
  );
}
