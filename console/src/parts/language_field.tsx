/** A language by its name in the reader's language, or by its code; left, it says what it was understood as. */
import { useId, useState } from "preact/hooks";
import { get } from "../api/client";
import { language, languageName, nameIn, t } from "../i18n";
import { Field } from "./field";
import { everyName, VARIETIES } from "./language_names";
import { TAGS } from "./language_tags";
import { asApiError, useNewest } from "./load";

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
  const among = () => TAGS.find((tag) => everyName(tag).some((name) => plain(name) === wanted));
  return called(() => language.value) ?? called((tag) => tag) ?? called(() => "en") ?? among() ?? asked;
}

/** What is said comes after the click that left the field: no button may move away below it. */
const AFTER_MS = 200;

/** Without what people leave out where they type: capitals, accents, spaces around. */
function plain(written: string): string {
  return written.trim().toLocaleLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replace(/[’']/g, "");
}

/** What the service says against a tag; null where it takes it, or does not answer just now. */
async function faultOf(tag: string): Promise<string | null> {
  try {
    await get("adapters", { lang: tag, limit: 1 });
    return null;
  } catch (problem) {
    return asApiError(problem).at("lang");
  }
}

/** What was understood, where it is a name, or one of a language of several. */
function understood(written: string): string | null {
  const tag = tagOf(written);
  const name = nameIn(language.value, tag);
  const said = name && plain(written) !== plain(`${name} (${tag})`) ? t("language.understood", { language: name, tag }) : "";
  const varieties = VARIETIES[tag]?.map((each) => `${languageName(each)} (${each})`).join(", ");
  return [said, varieties ? t("language.varieties", { varieties }) : ""].filter(Boolean).join(" ") || null;
}

export function LanguageField({ value, fault, onChange }: Props) {
  const list = useId();
  const [left, setLeft] = useState<{ value: string; fault: string | null } | null>(null);
  const asking = useNewest();
  const look = async () => {
    const newest = asking();
    await new Promise((resume) => setTimeout(resume, AFTER_MS));
    const tag = tagOf(value);
    const found = tag && !TAGS.includes(tag) ? await faultOf(tag) : null;
    if (newest()) setLeft(tag ? { value, fault: found } : null);
  };
  const seen = left?.value === value ? left : null;
  const refused = fault ?? seen?.fault;
  const words = seen && !refused ? understood(value) : null;
  return (
    <Field label={t("language.label")} hint={words ?? t("language.hint")} fault={refused}>
      {(attributes) => (
        <>
          <input {...attributes} list={list} required autocomplete="off" spellcheck={false} value={value} onInput={(event) => onChange(event.currentTarget.value)} onBlur={(event) => !(event.relatedTarget instanceof HTMLButtonElement) && void look()} />
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
