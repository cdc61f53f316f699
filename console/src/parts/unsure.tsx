/** From which certainty on an answer is given. */
import { percent, t } from "../i18n";
import { Field } from "./field";

export function Unsure({ value, onChange }: { value: number; onChange: (value: number) => void }) {
  return (
    <Field label={t("try.unsure")} hint={value ? t("try.unsure_hint", { share: percent(value, 0) }) : t("try.unsure_off")}>
      {(attributes) => (
        <input {...attributes} type="range" min="0" max="0.95" step="0.05" value={value} aria-valuetext={percent(value, 0)} onInput={(event) => onChange(Number(event.currentTarget.value))} />
      )}
    </Field>
  );
}
