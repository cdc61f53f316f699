/** One ticket: where its active parameters are, what it was made from, and others that the same drift can give. */
import { useState } from "preact/hooks";
import { useRoute } from "preact-iso";
import { call, get } from "../../api/client";
import type { Drift, Ticket, TicketAccepted, TicketPreview } from "../../api/types";
import { useMay } from "../../caller";
import { bytes, languageName, moment, number, percent, t, wordFor } from "../../i18n";
import { Confirm } from "../../parts/confirm";
import { Field } from "../../parts/field";
import { ItsJob } from "../../parts/its_job";
import { useGo } from "../../parts/link";
import { useAction, useLoad } from "../../parts/load";
import { Page } from "../../parts/page";
import { Refusal } from "../../parts/refusal";
import { LayerStrip } from "./strip";

const UNTIL_MADE = { everyMs: 3000, until: (found: Ticket) => found.status !== "pending" };

export function TicketPage() {
  const id = useRoute().params["id"] ?? "";
  const { data: ticket, error } = useLoad((signal) => get<Ticket>(`tickets/${id}`, {}, signal), [id], UNTIL_MADE);
  return (
    <Page title={ticket?.name ?? t("made.ticket")} lead={t("tickets.lead")}>
      <Refusal error={error} />
      {!ticket && !error && <p role="status">{t("loading")}</p>}
      {ticket && <Body key={ticket.id} ticket={ticket} />}
    </Page>
  );
}

function Body({ ticket }: { ticket: Ticket }) {
  const go = useGo();
  const trains = useMay("train");
  const remove = useAction(async () => {
    await call("DELETE", `tickets/${ticket.id}`);
    go("tickets");
  });
  const facts: [string, string][] = [
    [t("tickets.ratio"), percent(ticket.active_ratio, 1)],
    [t("tickets.active"), ticket.active === null ? "–" : number(ticket.active)],
    [t("tickets.layers"), Array.isArray(ticket.layers) ? ticket.layers.join(", ") : wordFor("layers", ticket.layers)],
    [t("tickets.text"), ticket.language ? languageName(ticket.language) : "–"],
    [t("tickets.strategy"), ticket.strategy],
    [t("made.bytes"), ticket.mask_bytes === null ? "–" : bytes(ticket.mask_bytes)],
    [t("made.id"), ticket.id],
  ];
  return (
    <>
      {ticket.status !== "ready" && <p class={`status ${ticket.status}`}>{wordFor("status", ticket.status)}</p>}
      {ticket.status !== "ready" && <ItsJob kind="ticket" id={ticket.id} status={ticket.status} />}
      <LayerStrip distribution={ticket.distribution} label={t("tickets.strip")} />
      {(ticket.zero_drift ?? 0) > 0 && <p class="findings">{t("tickets.zero", { n: ticket.zero_drift ?? 0 })}</p>}
      <Facts facts={facts} />
      {ticket.drift && ticket.status === "ready" && <FromDrift id={ticket.drift} />}
      {ticket.drift && ticket.status === "ready" && trains && <Another ticket={ticket} drift={ticket.drift} />}
      {trains && !ticket.shared && (
        <p class="actions">
          <Confirm action={t("tickets.delete")} title={t("tickets.delete_title")} words={t("action.for_good")} busy={remove.busy} onSure={remove.run} />
        </p>
      )}
      <Refusal error={remove.error} />
    </>
  );
}

/** The run on plain text that the ticket was selected from, and what else came of it. */
function FromDrift({ id }: { id: string }) {
  const { data: drift, error } = useLoad((signal) => get<Drift>(`drifts/${id}`, {}, signal), [id]);
  if (!drift) return <Refusal error={error} />;
  const moved = drift.moved !== null && drift.selectable ? t("drift.moved_of", { moved: number(drift.moved), all: number(drift.selectable) }) : "–";
  const facts: [string, string][] = [
    [t("drift.corpus"), drift.corpus ?? t("drift.own")],
    [t("tickets.text"), languageName(drift.language)],
    [t("drift.steps"), drift.steps === null ? "–" : number(drift.steps)],
    [t("drift.moved"), moved],
    [t("drift.tickets"), number(drift.tickets.length)],
    [t("made.created"), moment(drift.published_at ?? drift.created_at)],
    [t("made.id"), drift.id],
  ];
  return (
    <section aria-labelledby="drift">
      <h2 id="drift">{t("drift.title")}</h2>
      <Facts facts={facts} />
    </section>
  );
}

function Facts({ facts }: { facts: [string, string][] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const LEAST = 0.5;
const MOST = 60;

/** Another ratio of the same drift: what it would cost, before it is made. */
function Another({ ticket, drift }: { ticket: Ticket; drift: string }) {
  const go = useGo();
  const [ratio, setRatio] = useState(Math.round(1000 * ticket.active_ratio) / 10);
  const [asked, setAsked] = useState(ratio);
  const preview = useLoad((signal) => get<TicketPreview>(`drifts/${drift}/preview`, { active_ratio: asked / 100 }, signal), [drift, asked]);
  const make = useAction(async () => {
    const accepted = await call<TicketAccepted>("POST", "tickets", { json: { drift, active_ratio: ratio / 100 } });
    go(`jobs/${accepted.job.id}`);
  });
  const { data } = preview;
  return (
    <section aria-labelledby="another">
      <h2 id="another">{t("tickets.another")}</h2>
      <Field label={t("tickets.slider")} hint={percent(ratio / 100, 1)}>
        {(attributes) => (
          <input
            {...attributes}
            type="range"
            min={LEAST}
            max={MOST}
            step="0.5"
            value={ratio}
            aria-valuetext={percent(ratio / 100, 1)}
            onInput={(event) => setRatio(Number(event.currentTarget.value))}
            onChange={(event) => setAsked(Number(event.currentTarget.value))}
          />
        )}
      </Field>
      <Refusal error={preview.error ?? make.error} />
      {data && (
        <p role="status">
          {t("tickets.cost", { active: number(data.active), mask: bytes(data.mask_bytes), least: bytes(data.adapter_bytes[0] ?? 0), most: bytes(data.adapter_bytes[1] ?? 0) })}{" "}
          {data.zero_drift > 0 && t("tickets.zero", { n: data.zero_drift })}
        </p>
      )}
      {data && <LayerStrip distribution={data.distribution} label={t("tickets.would")} />}
      <p class="actions">
        <button type="button" class="button" disabled={make.busy} onClick={() => make.run()}>
          {t("tickets.make_another")}
        </button>
      </p>
    </section>
  );
}
