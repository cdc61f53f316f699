/** New classifier: drop a file, look at how it is read, choose, train. One page, which grows as one goes on. */
import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { call } from "../../api/client";
import type { AdapterAccepted, Reading } from "../../api/types";
import { t } from "../../i18n";
import { FileDrop } from "../../parts/file_drop";
import { Link, useGo } from "../../parts/link";
import { useAction, useNewest } from "../../parts/load";
import { Page } from "../../parts/page";
import { Refusal } from "../../parts/refusal";
import { foresee } from "../../parts/time_left";
import { NO_CORRECTIONS, asRequest, type Corrections } from "./as_request";
import { Choices } from "./choices";
import type { Chosen } from "./chosen";
import { CorrectionsForm } from "./corrections";
import { hand, isClassifier } from "./handed";
import { Counted, Looked } from "./reading";
import { remember, rememberedOf } from "./remembered";
import { enoughOf } from "./trainable";

const OWN_FIELDS = ["columns", "labels"];

export function New() {
  const { query } = useLocation();
  const [before, setBefore] = useState(() => rememberedOf(query["again"]));
  const [file, setFile] = useState<File | null>(before?.file ?? null);
  const [corrections, setCorrections] = useState<Corrections>(before?.corrections ?? NO_CORRECTIONS);
  const [reading, setReading] = useState<Reading | null>(null);
  const go = useGo();
  const asking = useNewest();
  const heading = useRef<HTMLHeadingElement>(null);
  const check = useAction(async (chosen: File, corrected: Corrections) => {
    const newest = asking();
    const show = (found: Reading | null) => newest() && setReading(found);
    try {
      show(await call<Reading>("POST", "data/check", { form: { request: { task: "train", ...asRequest(corrected) }, file: chosen } }));
      if (corrected !== NO_CORRECTIONS) heading.current?.focus(); // the form that was sent is closed
    } catch (problem) {
      if (!newest()) return;
      setReading(null);
      throw problem;
    }
  });
  const train = useAction(async (request: object, chosen: Chosen, foreseen: number | null) => {
    const form = { request: { ...request, ...asRequest(corrections) }, examples: file! };
    const accepted = await call<AdapterAccepted>("POST", "adapters", { form });
    if (foreseen !== null) foresee(accepted.job.id, foreseen);
    remember({ job: accepted.job.id, file: file!, corrections, chosen });
    go(`jobs/${accepted.job.id}`);
  });
  useEffect(() => {
    if (file) check.run(file, corrections);
  }, [file, corrections]);
  const take = (chosen: File) => {
    if (isClassifier(chosen)) return hand(chosen), go("open");
    setBefore(null);
    setReading(null);
    setCorrections(NO_CORRECTIONS);
    setFile(chosen);
  };
  return (
    <Page title={t("new.title")} lead={t("new.lead")}>
      <section aria-labelledby="step-file">
        <h2 id="step-file">{t("new.file")}</h2>
        <FileDrop label={t("new.drop")} hint={t("new.formats")} file={file} onFile={take} />
        {!file && (
          <p>
            {t("open.have")} <Link to="open">{t("open.title")}</Link>
          </p>
        )}
      </section>
      {file && (
        <section aria-labelledby="step-reading" aria-busy={check.busy}>
          <h2 id="step-reading" tabIndex={-1} ref={heading}>
            {t("new.reading")}
          </h2>
          <div role="status">{check.busy ? <p>{t("new.checking")}</p> : reading && <Counted reading={reading} />}</div>
          <Refusal error={check.error} />
          {reading && <Looked reading={reading} />}
          {(reading || check.error || corrections !== NO_CORRECTIONS) && (
            <CorrectionsForm key={file.name + file.lastModified} file={file} reading={reading} open={reading === null} error={check.error} given={corrections} onChange={setCorrections} />
          )}
        </section>
      )}
      {reading && enoughOf(reading)?.space !== null && (
        <section aria-labelledby="step-choices">
          <h2 id="step-choices">{t("new.choices")}</h2>
          <Choices key={reading.label_space} reading={reading} busy={train.busy || check.busy} error={train.error} shown={OWN_FIELDS} before={before?.chosen ?? null} onTrain={train.run} />
        </section>
      )}
    </Page>
  );
}
