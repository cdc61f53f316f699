/** Try it: a few pairs, of as many languages as one likes, judged at once. */
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { call, everyItem } from "../../api/client";
import type { Language, PredictAnswer } from "../../api/types";
import { t } from "../../i18n";
import { useAction, useLoad } from "../../parts/load";
import { Page } from "../../parts/page";
import { Refusal } from "../../parts/refusal";
import { Live } from "../../parts/live";
import { NothingYet, nobody } from "../../parts/nothing_yet";
import { Unsure } from "../../parts/unsure";
import { AnswerView } from "./answer";
import { PairForm } from "./pair_form";
import { addressOf, emptyPair, type Pair } from "./pair";

const MOST = 20;

export function Try() {
  const { query } = useLocation();
  const asked = query["lang"] ? (query["version"] ? `${query["lang"]}@${query["version"]}` : query["lang"]) : "";
  const [pairs, setPairs] = useState<Pair[]>([emptyPair(asked)]);
  const [unsure, setUnsure] = useState(0);
  const [answer, setAnswer] = useState<PredictAnswer | null>(null);
  const { data: languages, error } = useLoad(() => everyItem<Language>("languages"), []);
  const judge = useAction(async () => {
    const asked = pairs.map((pair) => ({ premise: pair.premise, hypothesis: pair.hypothesis, ...addressOf(pair) }));
    setAnswer(await call<PredictAnswer>("POST", "predict", { json: { pairs: asked, ...(unsure ? { min_confidence: unsure } : {}) } }));
  });
  const change = (place: number, some: Partial<Pair>) => {
    setPairs((now) => now.map((pair, at) => (at === place ? { ...pair, ...some } : pair))); // something else may have changed it since this was drawn
    setAnswer(null);
  };
  const remove = (place: number) => (setPairs(pairs.filter((_, at) => at !== place)), setAnswer(null));
  const submit = (event: SubmitEvent) => (event.preventDefault(), judge.run());
  if (nobody(languages)) {
    return (
      <Page title={t("try.title")} lead={t("try.lead")}>
        <NothingYet />
      </Page>
    );
  }
  return (
    <Page title={t("try.title")} lead={t("try.lead")}>
      <Refusal error={error} />
      <form onSubmit={submit}>
        <ol class="pairs">
          {pairs.map((pair, place) => (
            <li class="card" key={pair.key}>
              <PairForm
                pair={pair}
                place={place}
                asked={asked}
                languages={languages ?? []}
                fault={(name) => judge.error?.at(`pairs.${place}.${name}`)}
                onChange={(some) => change(place, some)}
                onRemove={pairs.length > 1 ? () => remove(place) : null}
              />
              {answer?.predictions[place] && <AnswerView answer={answer.predictions[place]} />}
            </li>
          ))}
        </ol>
        <Unsure value={unsure} onChange={(value) => (setUnsure(value), setAnswer(null))} />
        <Refusal error={judge.error} shown={pairs.flatMap((_, place) => ["premise", "hypothesis", "lang", "adapter"].map((name) => `pairs.${place}.${name}`))} />
        <p class="actions">
          <button type="submit" class="button" disabled={judge.busy}>
            {t("try.judge")}
          </button>
          {pairs.length < MOST && (
            <button type="button" class="quiet" onClick={() => setPairs([...pairs, emptyPair(pairs.at(-1)?.adapter ?? "")])}>
              {t("try.add")}
            </button>
          )}
          {answer && <span class="fine">{t("try.took", { ms: Math.round(answer.timing_ms.queue + answer.timing_ms.compute) })}</span>}
        </p>
      </form>
      <Live words={answer ? t("try.answered") : ""} />
    </Page>
  );
}
