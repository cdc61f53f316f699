/** A language by its name in the reader's language, or by its code. */
import { useId } from "preact/hooks";
import { language, languageName, nameIn, t } from "../i18n";
import { Field } from "./field";
import { TAGS } from "./language_tags";

interface Props {
  value: string;
  fault?: string | null | undefined;
  onChange: (value: string) => void;
}

/** The tag of what was written: `Swahili (sw)`, `Swahili`, `sw`; by its name in the reader's language, its own, or English. */
export function tagOf(written: string): string {
  const inBrackets = /\(([A-Za-z0-9_-]+)\)\s*$/.exec(written);
  if (inBrackets?.[1]) return inBrackets[1];
  const asked = written.trim();
  const wanted = plain(written);
  const called = (speech: (tag: string) => string) => TAGS.find((tag) => plain(nameIn(speech(tag), tag) ?? "") === wanted);
  if (!wanted || TAGS.includes(asked)) return asked;
  return called(() => language.value) ?? called((tag) => tag) ?? called(() => "en") ?? asked;
}

/** Without what people leave out where they type: capitals, accents, spaces around. */
function plain(written: string): string {
  return written.trim().toLocaleLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
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
