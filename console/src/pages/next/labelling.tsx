/** Pairs to be labelled, one at a time, with a key for each label; at the end all of it can be trained on. */
import { useEffect, useRef } from "preact/hooks";
import { call, save, send } from "../../api/client";
import { LABELS, type AdapterAccepted, type Label } from "../../api/types";
import { plural, t } from "../../i18n";
import { Confirm } from "../../parts/confirm";
import { labelWord } from "../../parts/labels";
import { useGo } from "../../parts/link";
import { useAction } from "../../parts/load";
import { Refusal } from "../../parts/refusal";
import { asCsv, asJsonl, given, store, type Round } from "./labelled";

interface Props {
  round: Round;
  /** Change the round as it is then. */
  onChange: (changed: (round: Round) => Round | null) => void;
}

const SKIP = "0";
const UNDO = "Backspace";

export function Labelling({ round, onChange }: Props) {
  const place = round.labels.length;
  const pair = round.items[place];
  const labels = labelsOf(round);
  const beginning = useRef<HTMLElement>(null);
  useEffect(() => beginning.current?.focus(), [pair === undefined]);
  const put = (label: Label | null) => onChange((now) => ({ ...now, labels: [...now.labels, label].slice(0, now.items.length) }));
  const undo = () => onChange((now) => ({ ...now, labels: now.labels.slice(0, -1) }));
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isBusy(event.target)) return;
      const label = labels[Number(event.key) - 1];
      if (pair && label) put(label);
      else if (pair && event.key === SKIP) put(null);
      else if (place && event.key === UNDO) undo();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
  if (!pair) return <Finished round={round} onUndo={undo} onChange={onChange} />;
  return (
    <section aria-labelledby="label-pair" tabIndex={-1} ref={beginning}>
      <p class="fine" id="label-pair" role="status">
        {t("next.place", { place: place + 1, all: round.items.length })}
      </p>
      <progress class="long" max={round.items.length} value={place} aria-label={t("job.progress")} />
      <div class="card big" lang={round.lang} aria-live="polite">
        <p class="text">{pair.premise}</p>
        <p class="text then">{pair.hypothesis}</p>
      </div>
      <p>{t("next.question")}</p>
      <p class="actions keys">
        {labels.map((label, at) => (
          <button type="button" class={`quiet ${label}`} key={label} onClick={() => put(label)}>
            <kbd>{at + 1}</kbd> {t(`next.${label}`)} <span class="fine">({labelWord(label)})</span>
          </button>
        ))}
      </p>
      <p class="actions">
        <button type="button" class="quiet small" onClick={() => put(null)}>
          <kbd>0</kbd> {t("next.skip")}
        </button>
        {place > 0 && (
          <button type="button" class="quiet small" onClick={undo}>
            <kbd>⌫</kbd> {t("next.undo")}
          </button>
        )}
        {given(round).length > 0 && (
          <button type="button" class="quiet small" onClick={() => onChange((now) => ({ ...now, items: now.items.slice(0, now.labels.length) }))}>
            {t("next.enough")}
          </button>
        )}
      </p>
    </section>
  );
}

/** Whether keys that are pressed there are meant for something else: a field, a choice, a question. */
function isBusy(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, select, textarea, dialog") !== null;
}

/** The labels of the classifier's space, as its answers tell it. */
function labelsOf({ items }: Round): Label[] {
  return items[0] && "not_entailment" in items[0].probabilities ? LABELS.two_way : LABELS.three_way;
}

function Finished({ round, onUndo, onChange }: Props & { onUndo: () => void }) {
  const go = useGo();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const rows = given(round);
  const train = useAction(async () => {
    const examples = new File([await earlier(round.adapter), asJsonl(rows)], "examples.jsonl", { lastModified: 0 });
    const request = { lang: round.lang, alias: "production", conflicts: "majority" };
    const accepted = await call<AdapterAccepted>("POST", "adapters", { form: { request, examples } });
    store(null);
    go(`jobs/${accepted.job.id}`);
  });
  return (
    <section aria-labelledby="finished">
      <h2 id="finished" tabIndex={-1} ref={heading}>
        {plural("next.finished", rows.length)}
      </h2>
      <p>{t("next.again_words")}</p>
      <Refusal error={train.error} />
      <p class="actions">
        <button type="button" class="button" disabled={train.busy || !rows.length} onClick={() => train.run()}>
          {train.busy ? t("choice.sending") : t("next.again")}
        </button>
        <button type="button" class="quiet" disabled={!rows.length} onClick={() => save(new Blob([asCsv(rows)], { type: "text/csv" }), `${round.lang}-labels.csv`)}>
          {t("next.csv")}
        </button>
        <button type="button" class="quiet" onClick={onUndo}>
          {t("next.undo")}
        </button>
        <Confirm action={t("next.discard")} title={t("next.discard_title")} words={t("next.discard_words")} onSure={() => onChange(() => null)} />
      </p>
    </section>
  );
}

/** The pairs that the classifier was trained on before, as JSON lines. */
async function earlier(adapter: string): Promise<string> {
  const response = await send("GET", `adapters/${adapter}/examples`, { query: { part: "train", format: "jsonl" }, headers: { Accept: "*/*" } });
  return response.text();
}
