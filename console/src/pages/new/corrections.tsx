/** Corrections of a reading: which column is what, and what each spelling of a label means. */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { ApiError } from "../../api/client";
import type { Label, Reading } from "../../api/types";
import { number, t, wordFor } from "../../i18n";
import { Field } from "../../parts/field";
import { labelWord } from "../../parts/labels";
import { ROLES, type Corrections, type Role } from "./as_request";
import { columnsOf } from "./columns_of";

const MEANINGS: Label[] = ["entailment", "neutral", "contradiction", "not_entailment"];

interface Props {
  file: File;
  reading: Reading | null;
  open: boolean;
  error: ApiError | null;
  given: Corrections;
  onChange: (corrections: Corrections) => void;
}

export function CorrectionsForm({ file, reading, open, error, given, onChange }: Props) {
  const [columns, setColumns] = useState<Partial<Record<Role, string>>>(given.columns);
  const [labels, setLabels] = useState<Record<string, Label | "">>(given.labels);
  const [spelling, setSpelling] = useState("");
  const box = useRef<HTMLInputElement>(null);
  const read: Record<string, Label | ""> = Object.fromEntries(Object.entries(reading?.labels ?? {}).map(([written, { label }]) => [written, label ?? ""]));
  const unknown = new Set(error?.fields.filter(({ reason }) => reason === "unknown_labels").flatMap(({ values }) => values ?? []));
  const meanings = { ...Object.fromEntries([...unknown].map((written) => [written, "" as const])), ...read, ...labels };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const changed = Object.entries(labels).some(([written, label]) => label !== read[written]);
    const told = changed ? (Object.fromEntries(Object.entries(meanings).filter(([, label]) => label)) as Record<string, Label>) : given.labels;
    onChange({ columns, labels: told });
  };
  const add = () => {
    if (spelling) setLabels({ ...labels, [spelling]: "" });
    setSpelling("");
    box.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // it would send the form
    add();
  };
  return (
    <details open={open}>
      <summary>{t("correct.title")}</summary>
      <form onSubmit={submit}>
        <Columns file={file} reading={reading} error={error} columns={columns} onChange={setColumns} />
        <fieldset>
          <legend>{t("correct.labels")}</legend>
          {Object.entries(meanings).map(([written, label]) => (
            <Spelling key={written} written={written} label={label} rows={reading?.labels[written]?.rows} asked={unknown.has(written)} onChange={(chosen) => setLabels({ ...labels, [written]: chosen })} />
          ))}
          <div class="row">
            <Field label={t("correct.spelling")} fault={error?.at("labels")}>
              {(attributes) => <input {...attributes} ref={box} value={spelling} onKeyDown={onKeyDown} onInput={(event) => setSpelling(event.currentTarget.value)} />}
            </Field>
            <button type="button" class="quiet" onClick={add}>
              {t("correct.add")}
            </button>
          </div>
        </fieldset>
        <button type="submit" class="button quiet">
          {t("correct.again")}
        </button>
      </form>
    </details>
  );
}

interface ColumnsProps {
  file: File;
  reading: Reading | null;
  error: ApiError | null;
  columns: Partial<Record<Role, string>>;
  onChange: (columns: Partial<Record<Role, string>>) => void;
}

function Columns({ file, reading, error, columns, onChange }: ColumnsProps) {
  const list = useId();
  const [names, setNames] = useState<string[]>([]);
  useEffect(() => void columnsOf(file).then(setNames), [file]);
  const known = reading?.names.length ? reading.names : names;
  return (
    <fieldset class="row">
      <legend>{t("correct.columns")}</legend>
      <datalist id={list}>
        {known.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {ROLES.map((role) => (
        <Field key={role} label={wordFor("role", role)} fault={error?.at(`columns.${role}`)}>
          {(attributes) => (
            <input
              {...attributes}
              list={list}
              placeholder={reading?.columns[role] ?? ""}
              value={columns[role] ?? ""}
              onInput={(event) => onChange({ ...columns, [role]: event.currentTarget.value })}
            />
          )}
        </Field>
      ))}
    </fieldset>
  );
}

interface SpellingProps {
  written: string;
  label: Label | "";
  rows: number | undefined;
  /** Whether the file cannot be read before somebody says what it means. */
  asked: boolean;
  onChange: (label: Label | "") => void;
}

function Spelling({ written, label, rows, asked, onChange }: SpellingProps) {
  const id = useId();
  return (
    <p class="spelling">
      <label for={id}>
        <code>{written || "∅"}</code> {rows !== undefined && <span class="fine">{number(rows)}</span>}
      </label>
      <select id={id} value={label} required={asked} onChange={(event) => onChange(event.currentTarget.value as Label | "")}>
        <option value="">{asked ? t("correct.choose") : t("correct.none")}</option>
        {MEANINGS.map((each) => (
          <option key={each} value={each}>
            {labelWord(each)}
          </option>
        ))}
      </select>
    </p>
  );
}
