"""The audit trail over HTTP: every operation that writes leaves one event, those that are refused leave none."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.registry_rows import ready_language_delta, ready_ticket
from support.running_service import EXAMPLES, Service, running, settings_for

from app.registry import tickets

pytestmark = pytest.mark.process

SECRET_TEXT = "Geheimnis"
HOOKS = "hooks.example.org"
CORPUS = {"texts": [f"{SECRET_TEXT} one line", f"{SECRET_TEXT} another line"]}
PAIRS = [{**pair, "premise": f"{SECRET_TEXT} {pair['premise']}"} for pair in EXAMPLES]
ROWS = (json.dumps({"premise": SECRET_TEXT, "hypothesis": SECRET_TEXT}) + "\n").encode()
ABSENT = str(uuid.UUID(int=7, version=4))

Send = Callable[["Case"], httpx.Response]


@dataclass
class Case:
    """A service, and what the operations before have made."""

    service: Service
    made: dict[str, str] = field(default_factory=dict)

    def __call__(self, method: str, path: str, **body: Any) -> httpx.Response:
        return self.service.http.request(method, path.format_map(self.made), **body)

    def send_file(self, path: str, content: bytes, **request: Any) -> httpx.Response:
        return self("POST", path, files={"file": ("f", content), "request": (None, json.dumps(request))})


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[Case]:
    directory = tmp_path_factory.mktemp("audited") / "data"
    with running(settings_for(directory, migrated_sqlite, tiny_backbone_dir, webhook_hosts=HOOKS)) as service:
        service.wait_ready()
        measured = service.make_ticket()["id"]
        on_ticket = service.train("yo", ticket=measured)["id"]
        trained = service.train("sw", alias="production", method="pt")
        made = {"trained": trained["id"], "ticket": ready_ticket(service.app.state.db)[1].id}
        made |= {"measured": measured, "on_ticket": on_ticket, "text": ready_language_delta(service.app.state.db).id}
        made["exported"] = service.export("sw").hex()
        with service.app.state.db.read() as session:
            made["drift"] = str(tickets.get(session, tenant="default", ticket_id=made["ticket"]).drift_id)
        yield Case(service, made)


WRITES: dict[str, tuple[Send, str]] = {
    "create_ticket": (lambda case: case("POST", "/tickets", json={"corpus": CORPUS, "mlm": {"epochs": 1}}), "ticket"),
    "create_adapter": (
        lambda case: case("POST", "/adapters", json={"lang": "es", "method": "pt", "examples": PAIRS}),
        "adapter",
    ),
    "create_prediction": (lambda case: case.send_file("/predictions", ROWS, lang="sw"), "prediction"),
    "cancel_job": (lambda case: case("POST", "/jobs/{job}/cancel"), "job"),
    "delete_prediction": (lambda case: case("DELETE", "/predictions/{prediction}"), "prediction"),
    "import_adapter": (
        lambda case: case.send_file("/adapters/import", bytes.fromhex(case.made["exported"]), lang="sw"),
        "adapter",
    ),
    "compose_adapter": (
        lambda case: case(
            "POST", "/adapters/compose", json={"lang": "yo", "terms": [{"adapter": case.made["on_ticket"]}]}
        ),
        "adapter",
    ),
    "set_alias": (lambda case: case("PUT", "/languages/sw/aliases/production", json={"version": 2}), "alias"),
    "delete_alias": (lambda case: case("DELETE", "/languages/sw/aliases/production"), "alias"),
    "delete_adapter": (lambda case: case("DELETE", "/adapters/{trained}"), "adapter"),
    "adapt_language": (
        lambda case: case("POST", "/languages/quy/text", json={"corpus": CORPUS, "ticket": case.made["measured"]}),
        "language_delta",
    ),
    "delete_language_delta": (lambda case: case("DELETE", "/language-deltas/{text}"), "language_delta"),
    "share_ticket": (lambda case: case("PUT", "/tickets/{ticket}/shared", json={"shared": True}), "ticket"),
    "delete_ticket": (lambda case: case("DELETE", "/tickets/{ticket}"), "ticket"),
    "delete_drift": (lambda case: case("DELETE", "/drifts/{drift}"), "drift"),
    "create_key": (lambda case: case("POST", "/keys", json={"name": "n", "scopes": ["read"]}), "key"),
    "revoke_key": (lambda case: case("DELETE", "/keys/{key}"), "key"),
    "create_webhook": (lambda case: case("POST", "/webhooks", json={"url": f"https://{HOOKS}/ltp"}), "webhook"),
    "delete_webhook": (lambda case: case("DELETE", "/webhooks/{webhook}"), "webhook"),
}
"""Every operation that writes, in an order in which each finds what it needs, and what its event is about."""
READS_BODY = {"predict", "check_data", "suggest_pairs", "estimate_training"}
"""Operations that are no GET and change nothing."""


def trail(case: Case) -> list[dict[str, Any]]:
    """Every event, newest first."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = case("GET", "/audit", params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def test_every_operation_that_writes_is_covered(case: Case) -> None:
    paths = case("GET", "/openapi.json").json()["paths"].values()
    writes = {operation["operationId"] for methods in paths for method, operation in methods.items() if method != "get"}
    assert writes == set(WRITES) | READS_BODY


@pytest.mark.parametrize("operation", WRITES)
def test_a_write_leaves_one_event_that_says_who_did_what_to_which(case: Case, operation: str) -> None:
    send, kind = WRITES[operation]
    before = trail(case)
    response = send(case)
    assert response.status_code < 300, response.text
    newest, *older = trail(case)
    assert older == before
    assert (newest["actor"], newest["action"], newest["resource"]["kind"]) == ("local", operation, kind)
    assert newest["request_id"] == response.headers["X-Request-ID"]
    about = newest["resource"]["id"]
    answer = response.json() if response.content else {}
    shown = answer.get(kind, answer).get("id") if kind != "alias" else "sw@production"
    assert about == (shown or response.request.url.path.split("/")[2])
    case.made.setdefault(kind, about)
    if operation == "create_prediction":
        case.made["job"] = answer["job"]["id"]


REFUSED: list[Send] = [
    *(lambda case, path=path: case("POST", path, json={}) for path in ("/tickets", "/adapters", "/keys")),
    lambda case: case("POST", "/tickets", json={"drift": ABSENT}),
    lambda case: case("POST", "/adapters", json={"lang": "es", "examples": PAIRS, "ticket": ABSENT}),
    lambda case: case("POST", "/languages/quy/text", json={"corpus": CORPUS, "ticket": ABSENT}),
    lambda case: case.send_file("/predictions", ROWS, lang="zu"),
    lambda case: case.send_file("/adapters/import", b"no adapter", lang="sw"),
    lambda case: case("PUT", "/languages/sw/aliases/best", json={"version": 99}),
    lambda case: case("PUT", "/tickets/{absent}/shared", json={"shared": True}),
    lambda case: case("POST", "/jobs/{absent}/cancel"),
    lambda case: case("POST", "/webhooks", json={"url": "https://elsewhere.example.org"}),
    *(
        lambda case, path=path: case("DELETE", path)
        for path in (
            "/tickets/{absent}",
            "/drifts/{absent}",
            "/adapters/{absent}",
            "/language-deltas/{absent}",
            "/predictions/{absent}",
            "/keys/{absent}",
            "/webhooks/{absent}",
            "/languages/sw/aliases/worst",
        )
    ),
    lambda case: case("POST", "/predict", json={"lang": "zu", "pairs": [{"premise": "a", "hypothesis": "b"}]}),
]


@pytest.mark.parametrize("send", REFUSED)
def test_what_is_refused_leaves_nothing(case: Case, send: Send) -> None:
    case.made["absent"] = ABSENT
    before = trail(case)
    assert 400 <= send(case).status_code < 500
    assert trail(case) == before


def test_an_answer_that_is_replayed_leaves_nothing(case: Case) -> None:
    def start() -> httpx.Response:
        again = {"Idempotency-Key": "again"}
        return case("POST", "/tickets", json={"corpus": CORPUS, "mlm": {"epochs": 1}}, headers=again)

    first, before = start(), trail(case)
    assert start().json() == first.json()
    assert trail(case) == before


def test_a_job_leaves_what_it_published(case: Case) -> None:
    publication = next(event for event in trail(case) if event["action"] == "publish_adapter")
    job = next(job for job in case("GET", "/jobs?kind=adapter").json()["items"] if job["status"] == "succeeded")
    assert publication["actor"] == f"job:{job['id']}"
    assert publication["resource"] == {"kind": "adapter", "id": case.made["trained"]}
    assert publication["request_id"] is None


def test_the_trail_holds_no_text_and_no_secret(case: Case) -> None:
    made = case("POST", "/keys", json={"name": "whose", "scopes": ["read"]}).json()
    written = json.dumps(trail(case))
    assert made["id"] in written
    for kept_back in (SECRET_TEXT, made["secret"], "whose", EXAMPLES[0]["premise"]):
        assert kept_back not in written
