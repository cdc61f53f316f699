/** Cancel a job that has not ended. */
import { call } from "../api/client";
import { t } from "../i18n";
import { useAction } from "./load";
import { Refusal } from "./refusal";

export function CancelJob({ id }: { id: string }) {
  const cancel = useAction(async () => void (await call("POST", `jobs/${id}/cancel`)));
  return (
    <>
      <button type="button" class="quiet" disabled={cancel.busy} onClick={() => cancel.run()}>
        {t("job.cancel")}
      </button>
      <Refusal error={cancel.error} />
    </>
  );
}
