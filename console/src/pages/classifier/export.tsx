/** In which form to take a classifier along: for another LTP, or whole, for where there is none. */
import { useRef, useState } from "preact/hooks";
import { download } from "../../api/client";
import type { Adapter } from "../../api/types";
import { t } from "../../i18n";
import { Choice } from "../../parts/field";
import { useAction } from "../../parts/load";
import { Refusal } from "../../parts/refusal";

const FORMS = ["ltp", "hf", "onnx", "int8"] as const;
type Form = (typeof FORMS)[number];

const QUERIES: Record<Form, Record<string, string | boolean>> = {
  ltp: {},
  hf: { format: "hf" },
  onnx: { format: "onnx" },
  int8: { format: "onnx", int8: true },
};

export function Export({ adapter }: { adapter: Adapter }) {
  const asked = useRef<HTMLDialogElement>(null);
  const [form, setForm] = useState<Form>("ltp");
  const bring = useAction(async () => {
    const ending = form === "ltp" ? ".safetensors" : `-${form}.zip`;
    await download(`adapters/${adapter.id}/export`, `${adapter.lang}-${adapter.version}${ending}`, QUERIES[form]);
    asked.current?.close();
  });
  const options = FORMS.map((each) => ({ value: each, label: t(`export.${each}`), hint: t(`export.${each}_hint`) }));
  const submit = (event: SubmitEvent) => (event.preventDefault(), bring.run());
  return (
    <>
      <button type="button" class="quiet" onClick={() => asked.current?.showModal()}>
        {t("classifier.export")}
      </button>
      <dialog ref={asked} aria-labelledby="export-title">
        <h2 id="export-title">{t("export.title")}</h2>
        <form onSubmit={submit}>
          <Choice legend={t("export.legend")} value={form} options={options} onChange={setForm} />
          {bring.busy && <p role="status">{t("export.making")}</p>}
          <Refusal error={bring.error} />
          <p class="actions">
            <button type="submit" class="button" disabled={bring.busy}>
              {t("classifier.export")}
            </button>
            <button type="button" class="quiet" onClick={() => asked.current?.close()}>
              {t("action.close")}
            </button>
          </p>
        </form>
      </dialog>
    </>
  );
}
