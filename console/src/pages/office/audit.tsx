/** The audit trail: what was changed, when, and by whom. */
import type { AuditEvent } from "../../api/types";
import { moment, t, wordFor } from "../../i18n";
import { Listing } from "../../parts/listing";
import { Page } from "../../parts/page";

export function Audit() {
  return (
    <Page title={t("nav.audit")} lead={t("audit.lead")}>
      <Listing<AuditEvent> path="audit" label={t("nav.audit")} empty={t("audit.none")} heads={[t("audit.when"), t("audit.who"), t("audit.what"), t("audit.about")]} row={row} />
    </Page>
  );
}

function row(event: AuditEvent) {
  return (
    <tr key={event.id}>
      <td>{moment(event.created_at)}</td>
      <td>
        <code>{event.actor}</code>
      </td>
      <td>
        {wordFor("audit_action", event.action)} <code class="fine">{event.action}</code>
      </td>
      <td>{event.resource && <code>{`${event.resource.kind} ${event.resource.id}`}</code>}</td>
    </tr>
  );
}
