/** What the API refused, in its own words, with the id that its logs know the request by. */
import type { ApiError } from "../api/client";
import { t, type Key } from "../i18n";

interface Props {
  error: ApiError | null;
  /** Paths of fields that have an input, which shows its own fault. */
  shown?: string[];
}

/** What no service says, since none was asked or none answered. */
const OWN_WORDS: Record<string, Key> = { unreachable: "error.unreachable", unreadable: "error.unreadable" };

export function Refusal({ error, shown = [] }: Props) {
  if (!error) return null;
  const rest = error.fields.filter((each) => !shown.some((path) => each.path === path || each.path.startsWith(`${path}.`)));
  const own = OWN_WORDS[error.code];
  const words = own ? t(own) : error.message || error.code;
  return (
    <div class="refusal" role="alert">
      <p lang={own ? undefined : "en"}>{words}</p>
      {rest.some((each) => !words.includes(each.message)) && (
        <ul lang="en">
          {rest.map((each) => (
            <li key={each.path}>
              <code>{each.path}</code> {each.message}
            </li>
          ))}
        </ul>
      )}
      {error.status === 401 && (
        <p>
          <button type="button" class="quiet small" onClick={() => location.reload()}>
            {t("key.enter")}
          </button>
        </p>
      )}
      {error.requestId && (
        <p class="fine">
          {t("error.request")} <code>{error.requestId}</code>
        </p>
      )}
    </div>
  );
}
