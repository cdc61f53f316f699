/** Who is to answer: a language that has a classifier, or the starter. */
import type { Language } from "../api/types";
import { languageName, t } from "../i18n";
import { Field } from "./field";

interface Props {
  languages: Language[];
  value: string;
  fault?: string | null | undefined;
  hint?: string;
  onChange: (reference: string) => void;
}

export function ownLanguages(languages: Language[]): Language[] {
  return languages.filter((each) => each.versions.length > each.starters.length);
}

export function hasStarter(languages: Language[]): boolean {
  return languages.some((each) => each.starters.length > 0);
}

/** What is asked where nobody has chosen: the first language of one's own, else the starter. */
export function firstReference(languages: Language[]): string {
  return ownLanguages(languages)[0]?.lang ?? (hasStarter(languages) ? "starter" : "");
}

export function WhoField({ languages, value, fault, hint, onChange }: Props) {
  return (
    <Field label={t("try.who")} fault={fault} hint={hint}>
      {(attributes) => (
        <select {...attributes} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          {ownLanguages(languages).map((each) => (
            <option key={each.lang} value={each.lang}>
              {languageName(each.lang, each.name)}
            </option>
          ))}
          {hasStarter(languages) && <option value="starter">{t("try.starter")}</option>}
        </select>
      )}
    </Field>
  );
}
