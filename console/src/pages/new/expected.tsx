/** About how long the training will take, before it is sent; nothing where the service cannot tell. */
import { useEffect } from "preact/hooks";
import { call } from "../../api/client";
import type { Estimate, Reading } from "../../api/types";
import { duration, plural, t } from "../../i18n";
import { useLoad } from "../../parts/load";

interface Props {
  request: Record<string, unknown>;
  reading: Reading;
  /** Hears how many seconds are foreseen; null while nobody can tell. */
  onForeseen: (seconds: number | null) => void;
}

/** What of a training's request changes how long it takes. */
const COUNTS = ["start", "seeds", "training"];

/** The mean that an estimate takes: longer pairs are cut. */
const MOST_TOKENS = 512;

export function Expected({ request, reading, onForeseen }: Props) {
  const asked: Record<string, unknown> = { pairs: reading.read };
  if (reading.tokens !== null) asked["tokens"] = Math.min(reading.tokens, MOST_TOKENS);
  if (reading.label_space) asked["label_space"] = request["label_space"] ?? reading.label_space;
  for (const name of COUNTS) if (name in request) asked[name] = request[name];
  const { data } = useLoad((signal) => call<Estimate>("POST", "adapters/estimate", { json: asked, signal }), [JSON.stringify(asked)]);
  useEffect(() => onForeseen(data?.seconds ?? null), [data]);
  if (!data) return null;
  return (
    <p role="status">
      {t("expected.about", { time: duration(data.seconds) })}{" "}
      {data.most_s > 1.2 * data.least_s && t("expected.between", { least: duration(data.least_s), most: duration(data.most_s) })}{" "}
      <span class="fine">{data.trainings ? plural("expected.from", data.trainings) : t("expected.rough")}</span>
    </p>
  );
}
