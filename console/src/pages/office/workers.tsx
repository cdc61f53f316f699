/** Workers: the processes that do the jobs. */
import type { Worker } from "../../api/types";
import { moment, t, wordFor } from "../../i18n";
import { Link } from "../../parts/link";
import { Listing } from "../../parts/listing";
import { Page } from "../../parts/page";

export function Workers() {
  const heads = [t("workers.host"), t("workers.device"), t("workers.doing"), t("workers.takes"), t("workers.heard")];
  return (
    <Page title={t("nav.workers")} lead={t("workers.lead")}>
      <Listing<Worker> path="workers" label={t("nav.workers")} empty={t("workers.none")} heads={heads} row={row} />
    </Page>
  );
}

function row(worker: Worker) {
  return (
    <tr key={worker.id}>
      <th scope="row">{worker.host}</th>
      <td>{worker.device}</td>
      <td>{worker.job ? <Link to={`jobs/${worker.job}`}>{t("job.title")}</Link> : "–"}</td>
      <td>{worker.kinds?.map((kind) => wordFor("job", kind)).join(", ") ?? "–"}</td>
      <td>{moment(worker.last_seen)}</td>
    </tr>
  );
}
