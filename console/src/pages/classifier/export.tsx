/** In which form to take a classifier along: for a colleague's LTP, or whole, for where there is none. */
import { useRef, useState } from "preact/hooks";
import { download, get } from "../../api/client";
import type { Adapter, Backbone, Ticket } from "../../api/types";
import { bytes, t } from "../../i18n";
import { Choice } from "../../parts/field";
import { useAction, useLoad } from "../../parts/load";
import { Refusal } from "../../parts/refusal";

const FORMS = ["ltp", "hf", "onnx", "int8"] as const;
type Form = (typeof FORMS)[number];

const QUERIES: Record<Form, Record<string, string | boolean>> = {
  ltp: {},
  hf: { format: "hf" },
  onnx: { format: "onnx" },
  int8: { format: "onnx", int8: true },
};

type Sizes = Partial<Record<Form, number>> & { model: string };

/** About how many bytes each form has: the classifier with its ticket, or the whole model at four bytes a parameter. */
async function sizesOf(adapter: Adapter, signal: AbortSignal): Promise<Sizes> {
  const [backbone, ticket] = await Promise.all([
    get<Backbone>("backbone", {}, signal),
    adapter.ticket ? get<Ticket>(`tickets/${adapter.ticket}`, {}, signal) : null,
  ]);
  const sizes: Sizes = { model: backbone.name, hf: 4 * backbone.parameters, onnx: 4 * backbone.parameters, int8: backbone.parameters };
  if (adapter.bytes !== null) sizes.ltp = adapter.bytes + (ticket?.mask_bytes ?? 0);
  return sizes;
}

export function Export({ adapter }: { adapter: Adapter }) {
  const asked = useRef<HTMLDialogElement>(null);
  const [form, setForm] = useState<Form>("ltp");
  const bring = useAction(async () => {
    const ending = form === "ltp" ? ".safetensors" : `-${form}.zip`;
    await download(`adapters/${adapter.id}/export`, `${adapter.lang}-${adapter.version}${ending}`, QUERIES[form]);
    asked.current?.close();
  });
  const [shown, setShown] = useState(false);
  const { data: sizes } = useLoad(async (signal) => (shown ? sizesOf(adapter, signal) : null), [shown, adapter.id]);
  const hint = (each: Form) => {
    const size = sizes?.[each];
    return `${t(`export.${each}_hint`, { model: sizes?.model ?? "…" })}${size ? ` ${t("export.about", { size: bytes(size) })}` : ""}`;
  };
  const options = FORMS.map((each) => ({ value: each, label: t(`export.${each}`), hint: hint(each) }));
  const submit = (event: SubmitEvent) => (event.preventDefault(), bring.run());
  return (
    <>
      <button type="button" class="quiet" onClick={() => (setShown(true), asked.current?.showModal())}>
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
