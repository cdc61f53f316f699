/** A language by its name in the reader's language, or by its code. */
import { useId } from "preact/hooks";
import { languageName, t } from "../i18n";
import { Field } from "./field";
import { TAGS } from "./language_tags";

interface Props {
  value: string;
  fault?: string | null | undefined;
  onChange: (value: string) => void;
}

/** The tag of what was written: `Swahili (sw)`, `Swahili`, `sw`. */
export function tagOf(written: string): string {
  const inBrackets = /\(([A-Za-z0-9_-]+)\)\s*$/.exec(written);
  if (inBrackets?.[1]) return inBrackets[1];
  const wanted = written.trim().toLocaleLowerCase();
  return TAGS.find((tag) => languageName(tag).toLocaleLowerCase() === wanted) ?? written.trim();
}

export function LanguageField({ value, fault, onChange }: Props) {
  const list = useId();
  return (
    <Field label={t("language.label")} hint={t("language.hint")} fault={fault}>
      {(attributes) => (
        <>
          <input {...attributes} list={list} required autocomplete="off" spellcheck={false} value={value} onInput={(event) => onChange(event.currentTarget.value)} />
          <datalist id={list}>
            {TAGS.map((tag) => (
              <option key={tag} value={`${languageName(tag)} (${tag})`} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  );
}
