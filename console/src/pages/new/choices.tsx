/** What to make of a file: the language and a few choices in plain words, each with a default that is good. */
import { useRef, useState } from "preact/hooks";
import type { ApiError } from "../../api/client";
import { everyItem } from "../../api/client";
import type { Language, Reading } from "../../api/types";
import { languageName, plural, t } from "../../i18n";
import { Check, Choice, Field } from "../../parts/field";
import { LanguageField } from "../../parts/language_field";
import { Link } from "../../parts/link";
import { useLoad } from "../../parts/load";
import { Refusal } from "../../parts/refusal";
import { hasStarter, ownLanguages } from "../../parts/who";
import { firstChoice, requestOf, type Chosen, type Conflicts } from "./chosen";
import { Expected } from "./expected";

const FIELDS = ["lang", "name", "start", "conflicts", "label_space", "seeds", "training.epochs"];
const FEW = 6;

interface Props {
  reading: Reading;
  busy: boolean;
  error: ApiError | null;
  shown: string[];
  /** What was chosen before, where a training is asked for again. */
  before: Chosen | null;
  onTrain: (request: object, chosen: Chosen, foreseen: number | null) => void;
}

export function Choices({ reading, busy, error, shown, before, onTrain }: Props) {
  const [chosen, setChosen] = useState(() => before ?? firstChoice(reading));
  const foreseen = useRef<number | null>(null);
  const change = (some: Partial<Chosen>) => setChosen({ ...chosen, ...some });
  const submit = (event: SubmitEvent) => (event.preventDefault(), onTrain(requestOf(chosen, reading), chosen, foreseen.current));
  return (
    <form onSubmit={submit}>
      <LanguageField value={chosen.language} fault={error?.at("lang")} onChange={(language) => change({ language })} />
      <Check label={t("choice.production")} hint={t("choice.production_hint")} checked={chosen.production} onChange={(production) => change({ production })} />
      {reading.conflicts > 0 && <ConflictChoice value={chosen.conflicts} pairs={reading.conflicts} onChange={(conflicts) => change({ conflicts })} />}
      <details>
        <summary>{t("choice.more")}</summary>
        <Further reading={reading} chosen={chosen} error={error} change={change} />
      </details>
      <Expected request={requestOf(chosen, reading)} reading={reading} onForeseen={(seconds) => (foreseen.current = seconds)} />
      <Refusal error={error} shown={[...FIELDS, ...shown]} />
      {error?.code === "no_ticket" && (
        <p>
          <Link to="tickets">{t("choice.no_ticket")}</Link>
        </p>
      )}
      <p class="actions">
        <button type="submit" class="button" disabled={busy}>
          {busy ? t("choice.sending") : t("choice.train")}
        </button>
      </p>
    </form>
  );
}

function ConflictChoice({ value, pairs, onChange }: { value: Conflicts; pairs: number; onChange: (value: Conflicts) => void }) {
  const options = (["drop", "majority", "keep"] as const).map((each) => ({ value: each, label: t(`conflicts.${each}`) }));
  return <Choice legend={plural("conflicts.legend", pairs)} value={value} options={options} onChange={onChange} />;
}

interface FurtherProps {
  reading: Reading;
  chosen: Chosen;
  error: ApiError | null;
  change: (some: Partial<Chosen>) => void;
}

function Further({ reading, chosen, error, change }: FurtherProps) {
  return (
    <>
      <Field label={t("choice.name")} hint={t("choice.name_hint")} fault={error?.at("name")}>
        {(attributes) => <input {...attributes} value={chosen.name} onInput={(event) => change({ name: event.currentTarget.value })} />}
      </Field>
      <BeginChoice chosen={chosen} error={error} change={change} />
      {reading.label_space === "three_way" && (
        <Choice
          legend={t("choice.labels")}
          value={chosen.space}
          fault={error?.at("label_space")}
          options={[
            { value: "three_way", label: t("choice.three_way") },
            { value: "two_way", label: t("choice.two_way"), hint: t("choice.two_way_hint") },
          ]}
          onChange={(space) => change({ space })}
        />
      )}
      <Field label={t("choice.seeds")} hint={t("choice.seeds_hint")} fault={error?.at("seeds")}>
        {(attributes) => <input {...attributes} type="number" min="1" max={FEW} value={chosen.seeds} onInput={(event) => change({ seeds: event.currentTarget.value })} />}
      </Field>
      <Field label={t("choice.epochs")} hint={t("choice.epochs_hint")} fault={error?.at("training")}>
        {(attributes) => <input {...attributes} type="number" min="1" value={chosen.epochs} onInput={(event) => change({ epochs: event.currentTarget.value })} />}
      </Field>
    </>
  );
}

function BeginChoice({ chosen, error, change }: Omit<FurtherProps, "reading">) {
  const { data: languages } = useLoad(() => everyItem<Language>("languages"), []);
  const starter = hasStarter(languages ?? []);
  const others = ownLanguages(languages ?? []);
  const options = [
    { value: "usual" as const, label: starter ? t("begin.starter") : t("begin.usual"), hint: t("begin.usual_hint") },
    ...(starter ? [{ value: "pretrained" as const, label: t("begin.pretrained"), hint: t("begin.pretrained_hint") }] : []),
    ...(others.length ? [{ value: "adapter" as const, label: t("begin.adapter"), hint: t("begin.adapter_hint") }] : []),
  ];
  return (
    <>
      <Choice legend={t("begin.legend")} value={chosen.begin} options={options} fault={error?.at("start")} onChange={(begin) => change({ begin, from: chosen.from || (others[0]?.lang ?? "") })} />
      {chosen.begin === "adapter" && (
        <Field label={t("begin.which")}>
          {(attributes) => (
            <select {...attributes} value={chosen.from} onChange={(event) => change({ from: event.currentTarget.value })}>
              {others.map((each) => (
                <option key={each.lang} value={each.lang}>
                  {languageName(each.lang, each.name)}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
    </>
  );
}
