/** What was answered to a pair: the label, its probability beside the others', who answered, and what to mind. */
import type { PairPrediction } from "../../api/types";
import { languageName, percent, t } from "../../i18n";
import { LabelMark, Probabilities } from "../../parts/labels";
import { Link } from "../../parts/link";

export function AnswerView({ answer }: { answer: PairPrediction }) {
  const { adapter } = answer;
  return (
    <div class="answer">
      <p>
        {answer.abstained ? <span class="mark">{t("answer.abstained")}</span> : <LabelMark label={answer.label} />}{" "}
        <span class="fine">
          {t("answer.by")} <Link to={`classifiers/${adapter.id}`}>{t("answer.who", { language: languageName(adapter.lang), version: String(adapter.version) })}</Link>
        </span>
      </p>
      <Probabilities shares={{ ...answer.probabilities }} />
      {(answer.fallback || answer.abstained || answer.truncated || answer.unknown > 0) && (
        <ul class="fine">
          {answer.fallback && <li>{t("answer.fallback")}</li>}
          {answer.abstained && <li>{t("answer.unsure")}</li>}
          {answer.truncated && <li>{t("answer.truncated")}</li>}
          {answer.unknown > 0 && <li>{t("answer.unknown", { share: percent(answer.unknown, 0) })}</li>}
        </ul>
      )}
    </div>
  );
}
