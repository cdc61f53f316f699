/** What the API refused, in the reader's words; its own, and the id that its logs know the request by, are folded. */
import type { ApiError } from "../api/client";
import { codeWords, failureWords, faultWords } from "../api/refusal_words";
import { t } from "../i18n";

interface Props {
  error: ApiError | null;
  /** Paths of fields that have an input, which shows its own fault. */
  shown?: string[];
}

/** The sentences of a refusal: of its faults that have one, else of its code. */
function wordsOf(error: ApiError, shown: string[]): string[] {
  const elsewhere = new Set(shown.flatMap((path) => error.within(path)));
  const told = error.fields.filter((each) => !elsewhere.has(each)).map(faultWords);
  const words = new Set(told.filter((each): each is string => each !== null));
  return words.size ? [...words] : [codeWords(error.code, error.status)];
}

export function Refusal({ error, shown = [] }: Props) {
  if (!error) return null;
  return (
    <div class="refusal" role="alert">
      {wordsOf(error, shown).map((words) => (
        <p key={words}>{words}</p>
      ))}
      {error.status === 401 && (
        <p>
          <button type="button" class="quiet small" onClick={() => location.reload()}>
            {t("key.enter")}
          </button>
        </p>
      )}
      {(error.message || error.requestId) && <Details error={error} />}
    </div>
  );
}

function Details({ error }: { error: ApiError }) {
  const more = error.fields.filter((each) => !error.message.includes(each.message));
  return (
    <details class="fine">
      <summary>{t("error.details")}</summary>
      {error.message && <p lang="en">{error.message}</p>}
      {more.length > 0 && (
        <ul lang="en">
          {more.map((each) => (
            <li key={each.path}>
              <code>{each.path}</code> {each.message}
            </li>
          ))}
        </ul>
      )}
      {error.requestId && (
        <p>
          {t("error.request")} <code>{error.requestId}</code>
        </p>
      )}
    </details>
  );
}

/** Why a job failed: the same for what happened while nobody asked. */
export function Failure({ code, detail }: { code: string; detail: string }) {
  return (
    <div class="refusal" role="alert">
      <p>{failureWords(code)}</p>
      <details class="fine">
        <summary>{t("error.details")}</summary>
        <p lang="en">{detail}</p>
        <p>
          <code>{code}</code>
        </p>
      </details>
    </div>
  );
}
