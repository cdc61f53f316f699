/** A place to drop a file on, which is an ordinary file input for keyboards and screen readers. */
import { useId, useState } from "preact/hooks";
import { bytes, t } from "../i18n";

interface Props {
  label: string;
  hint?: string;
  file: File | null;
  onFile: (file: File) => void;
}

export function FileDrop({ label, hint, file, onFile }: Props) {
  const id = useId();
  const [over, setOver] = useState(false);
  const take = (files: FileList | null | undefined) => files?.[0] && onFile(files[0]);
  return (
    <div
      class={over ? "drop over" : "drop"}
      onDragOver={(event) => (event.preventDefault(), setOver(true))}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => (event.preventDefault(), setOver(false), take(event.dataTransfer?.files))}
    >
      <input id={id} type="file" onChange={(event) => (take(event.currentTarget.files), (event.currentTarget.value = ""))} aria-describedby={`${id}-hint`} />
      <label for={id}>
        <strong>{file ? file.name : label}</strong>
        <span class="button quiet">{file ? t("file.another") : t("file.choose")}</span>
      </label>
      <p class="hint" id={`${id}-hint`}>
        {file ? bytes(file.size) : hint}
      </p>
    </div>
  );
}
