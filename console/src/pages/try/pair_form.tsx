/** The inputs of one pair. */
import { useEffect } from "preact/hooks";
import type { Language } from "../../api/types";
import { languageName, t } from "../../i18n";
import { Field } from "../../parts/field";
import { LanguageField, tagOf } from "../../parts/language_field";
import { firstReference, hasStarter, ownLanguages } from "../../parts/who";
import { OTHER, STARTER, type Pair } from "./pair";

interface Props {
  pair: Pair;
  place: number;
  /** The reference that the page was opened with, a certain version say. */
  asked: string;
  languages: Language[];
  fault: (name: string) => string | null | undefined;
  onChange: (some: Partial<Pair>) => void;
  onRemove: (() => void) | null;
}

/** The language of a pair's texts, where it is known. */
function languageOf({ adapter, language }: Pair): string | undefined {
  if (adapter === STARTER) return undefined;
  return (adapter === OTHER ? tagOf(language) : adapter.split("@")[0]) || undefined;
}

export function PairForm({ pair, place, asked, languages, fault, onChange, onRemove }: Props) {
  const first = firstReference(languages) || OTHER;
  useEffect(() => {
    if (!pair.adapter && languages.length) onChange({ adapter: first });
  }, [languages.length]);
  const text = languageOf(pair);
  return (
    <fieldset>
      <legend class="unseen">{t("try.pair", { n: place + 1 })}</legend>
      <Field label={t("try.who")} fault={fault("adapter")}>
        {(attributes) => (
          <select {...attributes} value={pair.adapter} onChange={(event) => onChange({ adapter: event.currentTarget.value })}>
            {asked.includes("@") && <option value={asked}>{`${languageName(asked.split("@")[0] ?? "")} · ${t("try.version", { version: asked.split("@")[1] ?? "" })}`}</option>}
            {ownLanguages(languages).map((each) => (
              <option key={each.lang} value={each.lang}>
                {languageName(each.lang, each.name)}
              </option>
            ))}
            {hasStarter(languages) && <option value={STARTER}>{t("try.starter")}</option>}
            <option value={OTHER}>{t("try.another")}</option>
          </select>
        )}
      </Field>
      {pair.adapter === OTHER && <LanguageField value={pair.language} fault={fault("lang")} onChange={(language) => onChange({ language })} />}
      <div class="row">
        {(["premise", "hypothesis"] as const).map((name) => (
          <Field key={name} label={t(`role.${name}`)} fault={fault(name)}>
            {(attributes) => (
              <textarea {...attributes} class="text" lang={text} rows={2} required value={pair[name]} onInput={(event) => onChange({ [name]: event.currentTarget.value })} />
            )}
          </Field>
        ))}
      </div>
      {onRemove && (
        <button type="button" class="quiet small" onClick={onRemove}>
          {t("try.remove")}
        </button>
      )}
    </fieldset>
  );
}
