/** Tickets: those there are, and a new one from text. */
import { useState } from "preact/hooks";
import { call } from "../../api/client";
import type { Ticket, TicketAccepted } from "../../api/types";
import { useMay } from "../../caller";
import { day, languageName, number, percent, t, wordFor } from "../../i18n";
import { Choice, Field } from "../../parts/field";
import { FileDrop } from "../../parts/file_drop";
import { LanguageField, tagOf } from "../../parts/language_field";
import { Link, useGo } from "../../parts/link";
import { Listing } from "../../parts/listing";
import { useAction } from "../../parts/load";
import { Page } from "../../parts/page";
import { Refusal } from "../../parts/refusal";

export function Tickets() {
  const trains = useMay("train");
  const heads = [t("made.ticket"), t("tickets.ratio"), t("tickets.active"), t("tickets.layers"), t("tickets.text"), t("made.created")];
  return (
    <Page title={t("nav.tickets")} lead={t("tickets.lead")}>
      <Listing<Ticket> path="tickets" label={t("nav.tickets")} empty={t("tickets.none")} heads={heads} row={row} />
      {trains && <NewTicket />}
    </Page>
  );
}

function row(ticket: Ticket) {
  return (
    <tr key={ticket.id}>
      <th scope="row">
        <Link to={`tickets/${ticket.id}`}>{ticket.name ?? ticket.id}</Link>{" "}
        {ticket.status !== "ready" && <span class={`status ${ticket.status}`}>{wordFor("status", ticket.status)}</span>}
        {ticket.shared && <span class="mark">{t("tickets.shared")}</span>}
      </th>
      <td class="figure">{percent(ticket.active_ratio, 1)}</td>
      <td class="figure">{ticket.active === null ? "–" : number(ticket.active)}</td>
      <td>{Array.isArray(ticket.layers) ? ticket.layers.join(", ") : wordFor("layers", ticket.layers)}</td>
      <td>{ticket.language ? languageName(ticket.language) : "–"}</td>
      <td>{day(ticket.created_at)}</td>
    </tr>
  );
}

type Source = "demo" | "file";

function NewTicket() {
  const go = useGo();
  const [source, setSource] = useState<Source>("demo");
  const [file, setFile] = useState<File | null>(null);
  const [language, setLanguage] = useState("");
  const [name, setName] = useState("");
  const make = useAction(async () => {
    const named = name.trim() ? { name: name.trim() } : {};
    const accepted =
      source === "demo"
        ? await call<TicketAccepted>("POST", "tickets", { json: { ...named, corpus: { builtin: "demo" } } })
        : await call<TicketAccepted>("POST", "tickets", { form: { request: { ...named, language: tagOf(language) }, corpus: file! } });
    go(`jobs/${accepted.job.id}`);
  });
  const submit = (event: SubmitEvent) => (event.preventDefault(), make.run());
  return (
    <details class="section">
      <summary>{t("tickets.new")}</summary>
      <form onSubmit={submit}>
        <p>{t("tickets.new_words")}</p>
        <Choice
          legend={t("tickets.source")}
          value={source}
          options={[
            { value: "demo", label: t("tickets.demo"), hint: t("tickets.demo_hint") },
            { value: "file", label: t("tickets.file"), hint: t("tickets.file_hint") },
          ]}
          onChange={setSource}
        />
        {source === "file" && (
          <>
            <FileDrop label={t("tickets.drop")} hint={t("tickets.formats")} file={file} onFile={setFile} />
            <LanguageField value={language} fault={make.error?.at("language")} onChange={setLanguage} />
          </>
        )}
        <Field label={t("choice.name")} fault={make.error?.at("name")}>
          {(attributes) => <input {...attributes} value={name} onInput={(event) => setName(event.currentTarget.value)} />}
        </Field>
        <Refusal error={make.error} shown={["name", "language"]} />
        <button type="submit" class="button" disabled={make.busy || (source === "file" && !file)}>
          {t("tickets.make")}
        </button>
      </form>
    </details>
  );
}
