/** What stands where a classifier is needed and there is none: the way to the first one. */
import type { Language } from "../api/types";
import { t } from "../i18n";
import { Link } from "./link";
import { firstReference } from "./who";

/** Whether nobody could answer, once it is known who there is. */
export function nobody(languages: Language[] | null): boolean {
  return languages !== null && !firstReference(languages);
}

export function NothingYet() {
  return (
    <>
      <p>{t("next.nothing")}</p>
      <p>
        <Link to="new" class="button">
          {t("nav.new")}
        </Link>
      </p>
    </>
  );
}
