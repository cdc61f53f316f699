/** Keys: who may use the service, and for what. A new one's secret is shown once. */
import { useState } from "preact/hooks";
import { call } from "../../api/client";
import type { ApiKey, KeyCreated, Scope } from "../../api/types";
import { caller } from "../../caller";
import { moment, t } from "../../i18n";
import { useSignal } from "../../signal";
import { Confirm } from "../../parts/confirm";
import { Check, Field } from "../../parts/field";
import { Listing } from "../../parts/listing";
import { useAction } from "../../parts/load";
import { Page } from "../../parts/page";
import { Refusal } from "../../parts/refusal";

const SCOPES: Scope[] = ["read", "predict", "train", "admin"];
const USUAL: Scope[] = ["read", "predict"];

export function Keys() {
  const [round, setRound] = useState(0);
  const again = () => setRound((n) => n + 1);
  const revoke = useAction(async (id: string) => {
    await call("DELETE", `keys/${id}`);
    again();
  });
  const heads = [t("keys.name"), t("keys.scopes"), t("keys.made"), t("keys.expires"), t("keys.used"), t("keys.revoke")];
  const row = (key: ApiKey) => (
    <tr key={key.id}>
      <th scope="row">{key.name}</th>
      <td>{key.scopes.map((scope) => t(`scope.${scope}`)).join(", ")}</td>
      <td>{moment(key.created_at)}</td>
      <td>{key.expires_at ? moment(key.expires_at) : t("keys.never")}</td>
      <td>{key.last_used_at ? moment(key.last_used_at) : "–"}</td>
      <td>
        <Confirm
          small
          action={t("keys.revoke")}
          spoken={t("keys.revoke_name", { name: key.name })}
          title={t("keys.revoke_title", { name: key.name })}
          words={t("keys.revoke_words")}
          onSure={() => revoke.run(key.id)}
        />
      </td>
    </tr>
  );
  return (
    <Page title={t("nav.keys")} lead={t("keys.lead")}>
      <NewKey onMade={again} />
      <Refusal error={revoke.error} />
      <Listing<ApiKey> path="keys" label={t("nav.keys")} empty={t("keys.none")} heads={heads} round={round} row={row} />
    </Page>
  );
}

function NewKey({ onMade }: { onMade: () => void }) {
  const who = useSignal(caller);
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState(USUAL);
  const [expires, setExpires] = useState("");
  const [made, setMade] = useState<KeyCreated | null>(null);
  const make = useAction(async () => {
    const request = { name, scopes, ...(expires ? { expires_at: new Date(expires).toISOString() } : {}) };
    setMade(await call<KeyCreated>("POST", "keys", { json: request }));
    setName("");
    onMade();
  });
  const put = (scope: Scope, on: boolean) => setScopes(SCOPES.filter((each) => (each === scope ? on : scopes.includes(each))));
  const submit = (event: SubmitEvent) => (event.preventDefault(), make.run());
  return (
    <section aria-labelledby="new-key">
      <h2 id="new-key">{t("keys.new")}</h2>
      {made && <Secret made={made} />}
      <form onSubmit={submit}>
        <div class="row">
          <Field label={t("keys.name")} hint={t("keys.name_hint")} fault={make.error?.at("name")}>
            {(attributes) => <input {...attributes} required value={name} onInput={(event) => setName(event.currentTarget.value)} />}
          </Field>
          <Field label={t("keys.expires")} hint={t("keys.expires_hint")} fault={make.error?.at("expires_at")}>
            {(attributes) => <input {...attributes} type="datetime-local" value={expires} onInput={(event) => setExpires(event.currentTarget.value)} />}
          </Field>
        </div>
        <fieldset>
          <legend>{t("keys.scopes")}</legend>
          {SCOPES.filter((scope) => who?.scopes.includes(scope) ?? true).map((scope) => (
            <Check key={scope} label={t(`scope.${scope}`)} checked={scopes.includes(scope)} onChange={(on) => put(scope, on)} />
          ))}
        </fieldset>
        <Refusal error={make.error} shown={["name", "expires_at"]} />
        <button type="submit" class="button" disabled={make.busy || !scopes.length}>
          {t("keys.make")}
        </button>
      </form>
    </section>
  );
}

function Secret({ made }: { made: KeyCreated }) {
  return (
    <div class="findings" role="status">
      <p>{t("keys.secret", { name: made.name })}</p>
      <p>
        <code>{made.secret}</code>
      </p>
    </div>
  );
}
