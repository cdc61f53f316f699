/** What the API refused, in its own words, with the id that its logs know the request by. */
import type { ApiError } from "../api/client";
import { t } from "../i18n";

interface Props {
  error: ApiError | null;
  /** Paths of fields that have an input, which shows its own fault. */
  shown?: string[];
}

export function Refusal({ error, shown = [] }: Props) {
  if (!error) return null;
  const rest = error.fields.filter((each) => !shown.some((path) => each.path === path || each.path.startsWith(`${path}.`)));
  const words = error.code === "unreachable" ? t("error.unreachable") : error.message || error.code;
  return (
    <div class="refusal" role="alert">
      <p lang={error.code === "unreachable" ? undefined : "en"}>{words}</p>
      {rest.some((each) => !words.includes(each.message)) && (
        <ul lang="en">
          {rest.map((each) => (
            <li key={each.path}>
              <code>{each.path}</code> {each.message}
            </li>
          ))}
        </ul>
      )}
      {error.requestId && (
        <p class="fine">
          {t("error.request")} <code>{error.requestId}</code>
        </p>
      )}
    </div>
  );
}
