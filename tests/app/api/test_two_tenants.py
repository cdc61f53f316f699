"""Two tenants on one service: what is the one's does not exist for the other, whatever the operation and the name.

Each operation that names a thing is asked by a stranger for a foreign one and for one that is nowhere: both answers
have the same bytes, and both cost the database the same statements. A test fails when an operation is not covered.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event, func, inspect, select
from support.running_service import EXAMPLES, LINES, Service, refused, running, settings_for, wait_until
from support.service_with_keys import ADMIN_KEY, UNLIMITED, admin_of, bearer, holding, make_key

from app.errors import AdapterNotFound
from app.inference.adapter_source import AdapterKey
from app.storage.models import BlobRow, WorkerRow
from app.storage.table import new_id, now
from app.storage.tenancy import parent_keys, tenant_classes
from ltp.engine.pairs import PairRequest, Prediction

pytestmark = pytest.mark.process

LANG, NO_LANG = "quy", "ayr"
SCOPES = ("read", "predict", "train", "admin")
REQUEST_ID = "the-same-for-both"
HOOKS = "hooks.example.org"
QUEUED = 8
AT_ANY_TIME = re.compile(r"^BEGIN|^UPDATE api_keys|api_keys\.sha256 =")
PAIR = {"premise": "the dog runs", "hypothesis": "the dog is red"}
ROWS = (json.dumps(PAIR) + "\n").encode()
CORPUS = {"texts": LINES}
TRAINING = {"lang": LANG, "examples": EXAMPLES, "training": {"epochs": 1}}

Named = dict[str, str]
"""What a request can name: the id of a ticket, drift, adapter, language delta (`text`), prediction, job, key and
webhook, and a language."""
Asked = tuple[str, str, dict[str, Any]]
"""Method, path and body."""


@dataclass(frozen=True)
class House:
    """A service, its tenant `amber` with one of everything, and two strangers who begin with nothing."""

    service: Service
    amber: httpx.Client
    birch: httpx.Client
    cedar: httpx.Client
    theirs: Named
    exported: bytes


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def house(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    migrated_sqlite: Path,
    tiny_backbone_dir: Path,
) -> Iterator[House]:
    with ExitStack() as stack:
        changes: dict[str, Any] = {**UNLIMITED, "max_queued_jobs": QUEUED, "webhook_hosts": HOOKS}
        if request.param == "postgres":
            changes["database_url"] = stack.enter_context(request.getfixturevalue("postgres").database())
        directory = tmp_path_factory.mktemp("house") / "data"
        service = stack.enter_context(running(settings_for(directory, migrated_sqlite, tiny_backbone_dir, **changes)))
        wait_until(lambda: service.http.get("/backbone", headers=bearer(ADMIN_KEY)).status_code == 200, 60)
        amber, birch, cedar = (
            stack.enter_context(holding(service, *SCOPES, tenant=tenant)) for tenant in ("amber", "birch", "cedar")
        )
        service.http.headers.update(amber.headers)
        ticket = service.make_ticket()
        adapter = service.train(LANG, alias="production")
        service.train(LANG, method="pt")
        adapted = service.adapt(LANG)
        body = {"file": ("rows.jsonl", ROWS), "request": (None, json.dumps({"lang": LANG}))}
        started = amber.post("/predictions", files=body, headers={"Idempotency-Key": "one"}).json()
        service.work()
        theirs = {
            "ticket": ticket["id"],
            "drift": ticket["drift"],
            "adapter": adapter["id"],
            "text": adapted["id"],
            "prediction": started["prediction"]["id"],
            "job": started["job"]["id"],
            "key": make_key(service, "read", tenant="amber")["id"],
            "webhook": amber.post("/webhooks", json={"url": f"https://{HOOKS}/ltp"}).json()["id"],
            "lang": LANG,
        }
        yield House(service, amber, birch, cedar, theirs, service.export(LANG))


OWNED = ("ticket", "drift", "adapter", "text", "prediction", "job", "key", "webhook")


def absent() -> Named:
    """Names of the same length for things that are nowhere."""
    return {what: str(uuid.uuid4()) for what in OWNED} | {"lang": NO_LANG}


def sent_json(method: str, path: str, **body: Any) -> Asked:
    return method, path, {"json": body}


def sent_file(path: str, **request: Any) -> Asked:
    return "POST", path, {"files": {"file": ("rows.jsonl", ROWS), "request": (None, json.dumps(request))}}


def predicting(**named: Any) -> Asked:
    return sent_json("POST", "/predict", pairs=[PAIR], **named)


# in an order in which the owner, too, can do them all, from looking to deleting
ADDRESSED: list[tuple[str, Callable[[Named], Asked]]] = [
    ("get_ticket", lambda named: ("GET", f"/tickets/{named['ticket']}", {})),
    ("download_mask", lambda named: ("GET", f"/tickets/{named['ticket']}/mask", {})),
    ("get_drift", lambda named: ("GET", f"/drifts/{named['drift']}", {})),
    ("preview_ticket", lambda named: ("GET", f"/drifts/{named['drift']}/preview", {})),
    ("get_language_delta", lambda named: ("GET", f"/language-deltas/{named['text']}", {})),
    ("export_language_delta", lambda named: ("GET", f"/language-deltas/{named['text']}/export", {})),
    ("get_adapter", lambda named: ("GET", f"/adapters/{named['adapter']}", {})),
    ("list_answers", lambda named: ("GET", f"/adapters/{named['adapter']}/answers", {})),
    ("compare_adapters", lambda named: ("GET", f"/adapters/{named['adapter']}/comparison/{named['adapter']}", {})),
    ("download_examples", lambda named: ("GET", f"/adapters/{named['adapter']}/examples", {})),
    ("export_adapter", lambda named: ("GET", f"/adapters/{named['adapter']}/export", {})),
    ("get_prediction", lambda named: ("GET", f"/predictions/{named['prediction']}", {})),
    ("download_result", lambda named: ("GET", f"/predictions/{named['prediction']}/result", {})),
    ("get_job", lambda named: ("GET", f"/jobs/{named['job']}", {})),
    ("watch_job", lambda named: ("GET", f"/jobs/{named['job']}/events", {})),
    ("predict", lambda named: predicting(adapter=named["adapter"])),
    ("predict", lambda named: predicting(lang=named["lang"])),
    ("predict", lambda named: predicting(adapter=f"{named['lang']}@1")),
    ("predict", lambda named: predicting(adapter=f"{named['lang']}@production")),
    ("predict", lambda named: predicting(lang="shp", fallback=named["adapter"])),
    ("predict", lambda named: sent_json("POST", "/predict", pairs=[{**PAIR, "adapter": named["adapter"]}])),
    ("suggest_pairs", lambda named: sent_file(f"/adapters/{named['adapter']}/suggestions", n=1)),
    ("create_ticket", lambda named: sent_json("POST", "/tickets", drift=named["drift"], active_ratio=0.1)),
    ("adapt_language", lambda named: sent_json("POST", "/languages/quy/text", ticket=named["ticket"], corpus=CORPUS)),
    ("estimate_training", lambda named: sent_json("POST", "/adapters/estimate", pairs=9, ticket=named["ticket"])),
    ("estimate_training", lambda named: sent_json("POST", "/adapters/estimate", pairs=9, start=named["adapter"])),
    ("create_adapter", lambda named: sent_json("POST", "/adapters", ticket=named["ticket"], **TRAINING)),
    ("create_adapter", lambda named: sent_json("POST", "/adapters", start=named["adapter"], **TRAINING)),
    (
        "compose_adapter",
        lambda named: sent_json("POST", "/adapters/compose", lang="sw", terms=[{"adapter": named["adapter"]}]),
    ),
    ("create_prediction", lambda named: sent_file("/predictions", adapter=named["adapter"])),
    ("create_prediction", lambda named: sent_file("/predictions", lang=named["lang"])),
    ("cancel_job", lambda named: ("POST", f"/jobs/{named['job']}/cancel", {})),
    ("set_alias", lambda named: sent_json("PUT", f"/languages/{named['lang']}/aliases/best", version=1)),
    ("delete_alias", lambda named: ("DELETE", f"/languages/{named['lang']}/aliases/production", {})),
    ("share_ticket", lambda named: sent_json("PUT", f"/tickets/{named['ticket']}/shared", shared=True)),
    ("revoke_key", lambda named: ("DELETE", f"/keys/{named['key']}", {})),
    ("list_deliveries", lambda named: ("GET", f"/webhooks/{named['webhook']}/deliveries", {})),
    ("delete_webhook", lambda named: ("DELETE", f"/webhooks/{named['webhook']}", {})),
    ("delete_prediction", lambda named: ("DELETE", f"/predictions/{named['prediction']}", {})),
    ("delete_adapter", lambda named: ("DELETE", f"/adapters/{named['adapter']}", {})),
    ("delete_language_delta", lambda named: ("DELETE", f"/language-deltas/{named['text']}", {})),
    ("delete_ticket", lambda named: ("DELETE", f"/tickets/{named['ticket']}", {})),
    ("delete_drift", lambda named: ("DELETE", f"/drifts/{named['drift']}", {})),
]
LISTS = {
    "list_tickets": "/tickets",
    "list_drifts": "/drifts",
    "list_adapters": "/adapters",
    "list_language_deltas": "/language-deltas",
    "list_languages": "/languages",
    "list_predictions": "/predictions",
    "list_jobs": "/jobs",
    "list_webhooks": "/webhooks",
}
OTHERWISE = {
    "list_keys": "test_a_stranger_sees_its_own_key_only",
    "list_audit_events": "test_a_stranger_sees_its_own_trail_only",
    "list_workers": "test_a_worker_is_seen_but_not_whose_job_it_does",
    "import_adapter": "test_bringing_in_anothers_file_makes_things_of_ones_own",
    "create_webhook": "test_a_webhook_is_told_of_ones_own_jobs_only",
    "create_key": "test_no_key_tells_which_tenants_there_are",
    "get_caller": "test_whoever_asks_is_told_of_itself",
    "get_quota": "test_whoever_asks_is_told_of_itself",
    "metrics": "test_figures_name_no_tenant",
}
NOBODYS = {"healthz", "readyz", "version", "get_backbone", "check_data"}
"""Operations that show nothing of any tenant: the process, its version, its backbone, the caller's own file."""

each_addressed = pytest.mark.parametrize(
    "asked", [asked for _, asked in ADDRESSED], ids=[f"{name}-{number}" for number, (name, _) in enumerate(ADDRESSED)]
)


def test_every_operation_of_the_document_is_covered(house: House) -> None:
    documented = {
        operation["operationId"]: (method.upper(), path)
        for path, methods in house.service.http.get("/openapi.json").json()["paths"].items()
        for method, operation in methods.items()
    }
    assert set(documented) == {name for name, _ in ADDRESSED} | set(LISTS) | set(OTHERWISE) | NOBODYS
    assert set(OTHERWISE.values()) <= set(globals())
    for name, asked in ADDRESSED:
        method, path, _ = asked(house.theirs)
        template = re.sub(r"\{\w+\}", "[^/]+", documented[name][1])
        assert documented[name][0] == method
        assert re.fullmatch(template, path), f"{path} is not {name}"
    for name, path in LISTS.items():
        assert documented[name] == ("GET", path)


def send(client: httpx.Client, asked: Asked) -> httpx.Response:
    method, path, body = asked
    return client.request(method, path, headers={"X-Request-ID": REQUEST_ID}, **body)


@contextmanager
def statements(house: House) -> Iterator[list[str]]:
    """What the database is told meanwhile, but for what may come at any time: who holds a key, and that it is used."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        in_background = threading.current_thread().name == "key-uses"  # notes the use of keys every now and then
        if not in_background and not AT_ANY_TIME.search(statement):
            said.append(statement)

    engine = house.service.app.state.db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", note)


def unnamed(response: httpx.Response, named: Named) -> tuple[int, dict[str, str], str]:
    """A response without the names in it, and without the date."""
    text = response.text
    for what, name in named.items():
        text = text.replace(name, f"<{what}>")
    headers = {name: value for name, value in response.headers.items() if name != "date"}
    return response.status_code, headers, text


def stored(house: House, tenant: str) -> dict[str, list[Any]]:
    """Everything a tenant has, without when its keys were used."""
    found = {}
    with house.service.app.state.db.of(tenant).read() as session:
        for table in (*tenant_classes(), *parent_keys()):
            columns = [column.key for column in inspect(table).column_attrs if column.key != "last_used_at"]
            rows = session.execute(select(*(getattr(table, column) for column in columns))).all()
            found[table.__name__] = sorted(map(repr, rows))
    return found


@each_addressed
def test_a_foreign_thing_is_like_one_that_is_nowhere(house: House, asked: Callable[[Named], Asked]) -> None:
    nowhere, before = absent(), stored(house, "amber")
    send(house.birch, asked(nowhere))  # what is done once only, the key's look-up say, is done
    with statements(house) as for_absent:
        missing = send(house.birch, asked(nowhere))
    with statements(house) as for_foreign:
        foreign = send(house.birch, asked(house.theirs))
    assert missing.status_code == 404
    assert unnamed(foreign, house.theirs) == unnamed(missing, nowhere)
    assert len(foreign.content) == len(missing.content)
    assert for_foreign == for_absent
    assert for_foreign
    assert stored(house, "amber") == before


@pytest.mark.parametrize("path", LISTS.values())
def test_a_strangers_lists_are_empty_wherever_they_begin(house: House, path: str) -> None:
    assert house.amber.get(path).json()["items"] != []
    for query in ({}, {"limit": 1}, {"cursor": house.theirs["job"]}, {"cursor": str(uuid.uuid4())}):
        assert house.birch.get(path, params=query).json() == {"items": [], "next_cursor": None}


def test_a_stranger_sees_its_own_key_only(house: House) -> None:
    (own,) = house.birch.get("/keys").json()["items"]
    assert own["tenant"] == "birch"
    assert house.theirs["key"] in {key["id"] for key in house.amber.get("/keys").json()["items"]}


def test_whoever_asks_is_told_of_itself(house: House) -> None:
    (own,) = house.birch.get("/keys").json()["items"]
    told = house.birch.get("/caller").json()
    assert (told["authentication"], told["kind"], told["expires_at"]) == ("on", "key", None)
    assert (told["tenant"], told["key"], told["scopes"]) == ("birch", own["id"], list(SCOPES))
    birch, amber = (client.get("/quota").json() for client in (house.birch, house.amber))
    assert (birch["keys"], birch["unfinished_jobs"], birch["most_unfinished_jobs"]) == (1, 0, QUEUED)
    assert 0 < birch["stored_bytes"] < 10_000 < amber["stored_bytes"] < amber["most_stored_bytes"]


def test_a_stranger_sees_its_own_trail_only(house: House) -> None:
    (own,) = house.cedar.get("/audit").json()["items"]
    (key,) = house.cedar.get("/keys").json()["items"]
    assert (own["actor"], own["action"], own["resource"]) == ("admin", "create_key", {"kind": "key", "id": key["id"]})
    assert house.cedar.get("/audit", params={"cursor": house.theirs["job"]}).json()["items"] == [own]
    trail = house.amber.get("/audit", params={"limit": 200}).json()["items"]
    assert {"create_ticket", "publish_ticket", "publish_adapter", "publish_prediction"} <= {e["action"] for e in trail}
    assert key["id"] not in json.dumps(trail)


def test_a_worker_is_seen_but_not_whose_job_it_does(house: House) -> None:
    db, worker = house.service.app.state.db, new_id()
    with db.write() as session:
        session.add(WorkerRow(id=worker, host="here", device="cpu", job_id=house.theirs["job"], last_seen=now(session)))
    seen = {name: getattr(house, name).get("/workers").json()["items"] for name in ("amber", "birch")}
    assert [row["job"] for row in seen["amber"]] == [house.theirs["job"]]
    assert [row["job"] for row in seen["birch"]] == [None]
    with db.write() as session:
        session.get_one(WorkerRow, worker).job_id = None
    assert house.birch.get("/workers").json()["items"] == seen["birch"]


def test_figures_name_no_tenant(house: House) -> None:
    figures = house.birch.get("/metrics").text
    assert "ltp_request" in figures
    for name in ("amber", "birch", "cedar", LANG, *house.theirs.values()):
        assert not re.search(rf"\b{name}\b", figures)


def test_no_key_tells_which_tenants_there_are(house: House) -> None:
    def ask(tenant: str) -> str:
        body = {"tenant": tenant, "name": "n", "scopes": ["read"]}
        response = house.birch.post("/keys", json=body, headers={"X-Request-ID": REQUEST_ID})
        refused(response, 403, "forbidden")
        return response.text.replace(tenant, "<tenant>")

    with statements(house) as for_existing:
        existing = ask("amber")
    with statements(house) as for_new:
        assert ask("aspen") == existing
    assert for_existing == for_new


def test_only_the_settings_key_shares_a_ticket(house: House) -> None:
    body = {"shared": True}
    refused(house.amber.put(f"/tickets/{house.theirs['ticket']}/shared", json=body), 403, "forbidden")
    with admin_of(house.service) as admin:
        refused(admin.put(f"/tickets/{house.theirs['ticket']}/shared", json=body), 404, "ticket_not_found")


def test_the_same_idempotency_key_starts_the_work_of_each(house: House) -> None:
    body = {"corpus": {"builtin": "demo"}, "mlm": {"epochs": 1}}
    again = {"Idempotency-Key": "the same"}
    made = [client.post("/tickets", json=body, headers=again).json() for client in (house.amber, house.cedar) * 2]
    assert made[0] == made[2]
    assert made[1] == made[3]
    assert made[0]["job"]["id"] != made[1]["job"]["id"]
    other = {**body, "active_ratio": 0.3}
    refused(house.amber.post("/tickets", json=other, headers=again), 422, "idempotency_conflict")
    assert house.birch.post("/tickets", json=other, headers=again).status_code == 202
    for client in (house.amber, house.birch, house.cedar):
        (job,) = client.get("/jobs?status=queued").json()["items"]
        assert client.post(f"/jobs/{job['id']}/cancel").status_code == 202


def test_a_webhook_is_told_of_ones_own_jobs_only(house: House) -> None:
    mine = house.cedar.post("/webhooks", json={"url": f"https://{HOOKS}/ltp"}).json()["id"]
    body = {"corpus": {"builtin": "demo"}, "mlm": {"epochs": 1}}
    job = house.cedar.post("/tickets", json=body).json()["job"]["id"]
    assert house.cedar.post(f"/jobs/{job}/cancel").status_code == 202
    assert [each["job"] for each in house.cedar.get(f"/webhooks/{mine}/deliveries").json()["items"]] == [job]
    assert job not in house.amber.get(f"/webhooks/{house.theirs['webhook']}/deliveries").text
    assert house.cedar.delete(f"/webhooks/{mine}").status_code == 204


def test_what_waits_for_one_counts_for_none_of_the_others(house: House) -> None:
    body = {"corpus": {"builtin": "demo"}, "mlm": {"epochs": 1}}
    mine = [house.amber.post("/tickets", json=body) for _ in range(QUEUED)]
    assert [response.status_code for response in mine] == [202] * QUEUED
    refused(house.amber.post("/tickets", json=body), 429, "too_many_jobs")
    accepted = house.cedar.post("/tickets", json=body)
    assert accepted.status_code == 202
    for client, started in ((house.cedar, [accepted]), (house.amber, mine)):
        for response in started:
            assert client.post(f"/jobs/{response.json()['job']['id']}/cancel").status_code == 202


def test_bringing_in_anothers_file_makes_things_of_ones_own(house: House) -> None:
    """Same content, same language: another ticket, another blob, and versions that count from one."""
    files = {"file": ("exported.safetensors", house.exported), "request": (None, "{}")}
    adapter = house.cedar.post("/adapters/import", files=files).json()
    assert (adapter["lang"], adapter["version"], adapter["aliases"]) == (LANG, 1, [])
    assert adapter["ticket"] not in (None, house.theirs["ticket"])
    ticket = house.cedar.get(f"/tickets/{adapter['ticket']}").json()
    assert (ticket["origin"], ticket["drift"], ticket["shared"]) == ("import", None, False)
    assert house.cedar.get("/languages").json()["items"][0]["versions"] == [1]
    assert house.amber.get("/languages").json()["items"][0]["versions"] == [2, 1]
    with house.service.app.state.db.read() as session:
        whose = dict(
            session.execute(
                select(BlobRow.tenant, func.count(BlobRow.sha256.distinct())).group_by(BlobRow.tenant)
            ).all()
        )
        contents = session.scalar(select(func.count(BlobRow.sha256.distinct())))
    assert sum(whose.values()) > contents, "the same content is kept once for each"
    mine = house.cedar.post("/predict", json={"lang": LANG, "pairs": [PAIR]})
    theirs = house.amber.post("/predict", json={"adapter": house.theirs["adapter"], "pairs": [PAIR]})
    assert mine.json()["predictions"][0]["adapter"]["id"] == adapter["id"]
    assert mine.json()["predictions"][0]["probabilities"] == theirs.json()["predictions"][0]["probabilities"]


def test_a_row_that_names_anothers_adapter_is_refused_like_one_that_names_none(house: House) -> None:
    files = {"file": ("exported.safetensors", house.exported), "request": (None, '{"lang": "hch"}')}
    assert house.cedar.post("/adapters/import", files=files).status_code == 201
    refusals = []
    for adapter in (house.theirs["adapter"], absent()["adapter"]):
        row = (json.dumps({**PAIR, "adapter": adapter}) + "\n").encode()
        body = {"file": ("rows.jsonl", row), "request": (None, '{"lang": "hch"}')}
        refusal = refused(house.cedar.post("/predictions", files=body), 404, "adapter_not_found")
        refusals.append(refusal["detail"].replace(adapter, "<adapter>"))
    assert refusals[0] == refusals[1]


def test_a_shared_ticket_is_for_all_until_it_is_taken_back(house: House) -> None:
    """Only what others do not depend on can be taken back or deleted, and they see nothing it was made from."""
    with admin_of(house.service) as admin:
        files = {"file": ("exported.safetensors", house.exported), "request": (None, "{}")}
        ticket = admin.post("/adapters/import", files=files).json()["ticket"]
        (adapter,) = admin.get("/adapters").json()["items"]
        assert admin.delete(f"/adapters/{adapter['id']}").status_code == 204
        assert admin.put(f"/tickets/{ticket}/shared", json={"shared": True}).json()["shared"] is True
        shown = house.birch.get(f"/tickets/{ticket}").json()
        assert (shown["shared"], shown["drift"]) == (True, None)
        mask = house.birch.get(f"/tickets/{ticket}/mask")
        assert mask.status_code == 200
        assert mask.content == admin.get(f"/tickets/{ticket}/mask").content
        refused(house.birch.delete(f"/tickets/{ticket}"), 404, "ticket_not_found")
        started = house.birch.post("/adapters", json={"ticket": ticket, **TRAINING}).json()
        taken_back = admin.put(f"/tickets/{ticket}/shared", json={"shared": False})
        for response in (taken_back, admin.delete(f"/tickets/{ticket}")):
            assert started["adapter"]["id"] not in refused(response, 409, "in_use")["detail"]
        house.service.work()
        adapter = house.birch.get(f"/adapters/{started['adapter']['id']}").json()
        assert (adapter["status"], adapter["version"]) == ("ready", 1)
        assert house.birch.post("/predict", json={"lang": LANG, "pairs": [PAIR]}).status_code == 200
        assert house.birch.delete(f"/adapters/{adapter['id']}").status_code == 204
        assert admin.put(f"/tickets/{ticket}/shared", json={"shared": False}).json()["shared"] is False
        refused(house.birch.get(f"/tickets/{ticket}"), 404, "ticket_not_found")
        assert admin.delete(f"/tickets/{ticket}").status_code == 204


def test_the_engine_keeps_tenants_apart_where_an_id_gets_through(house: House) -> None:
    """Whatever asked it: an adapter that is in memory for its owner is nowhere for others."""
    predictor, adapter = house.service.app.state.predictor, house.theirs["adapter"]

    def judge(tenant: str) -> Sequence[Prediction]:
        work = asyncio.run(predictor.predict([PairRequest(AdapterKey(tenant, adapter), **PAIR)], tenant=tenant))
        answers: Sequence[Prediction] = work.future.result()
        return answers

    assert len(judge("amber")) == 1
    assert predictor.holds(AdapterKey("amber", adapter))
    with pytest.raises(AdapterNotFound):
        judge("birch")


@each_addressed
def test_the_owner_gets_through(house: House, asked: Callable[[Named], Asked]) -> None:
    """Last, since it deletes: were a request above wrong in itself, the owner would fail, too."""
    response = send(house.amber, asked(house.theirs))
    assert response.status_code < 400 or response.json()["error"] in ("job_finished", "forbidden", "in_use")
