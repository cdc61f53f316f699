"""Webhooks over HTTP: made where the settings allow it, shown without their secret, bounded in number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.running_service import Service, refused, running, settings_for

from app.jobs import webhook_deliveries
from app.storage.models import WebhookDeliveryRow

pytestmark = pytest.mark.process

HOSTS = "hooks.example.org, hooks.example.org:8443,http://plain.example.org"
HOOK = "https://hooks.example.org/ltp?team=one"
MOST = 2


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("hooked") / "data"
    settings = settings_for(directory, migrated_sqlite, tiny_backbone_dir, webhook_hosts=HOSTS, max_webhooks=MOST)
    with running(settings) as made:
        made.wait_ready()
        yield made


def test_a_webhook_is_made_shown_without_its_secret_and_deleted(service: Service) -> None:
    made = service.http.post("/webhooks", json={"url": HOOK, "events": ["job.failed"]})
    assert made.status_code == 201, made.text
    webhook = made.json()
    assert webhook["secret"].startswith("whsec_")
    assert (webhook["url"], webhook["events"]) == (HOOK, ["job.failed"])
    listed = service.http.get("/webhooks").json()["items"]
    assert listed == [{name: value for name, value in webhook.items() if name != "secret"}]
    assert service.http.delete(f"/webhooks/{webhook['id']}").status_code == 204
    assert service.http.get("/webhooks").json()["items"] == []
    refused(service.http.get(f"/webhooks/{webhook['id']}/deliveries"), 404, "webhook_not_found")


def test_what_is_to_be_sent_is_shown_and_how_it_ended(service: Service) -> None:
    webhook = service.http.post("/webhooks", json={"url": HOOK}).json()
    body = {"corpus": {"builtin": "demo"}, "mlm": {"epochs": 1}}
    job = service.http.post("/tickets", json=body).json()["job"]["id"]
    assert service.http.post(f"/jobs/{job}/cancel").status_code == 202
    path = f"/webhooks/{webhook['id']}/deliveries"
    (pending,) = service.http.get(path).json()["items"]
    assert (pending["job"], pending["event"], pending["status"]) == (job, "job.cancelled", "pending")
    assert (pending["attempts"], pending["response_status"], pending["ended_at"]) == (0, None, None)
    db = service.app.state.db
    with db.write() as session:
        (message,) = webhook_deliveries.take(session, most=1)
        webhook_deliveries.settle(session, message, response_status=200, error=None)
    (delivered,) = service.http.get(path).json()["items"]
    assert (delivered["status"], delivered["attempts"], delivered["response_status"]) == ("delivered", 1, 200)
    assert delivered["next_at"] is None
    with db.write() as session:
        row = session.get_one(WebhookDeliveryRow, delivered["id"])
        row.created_at = row.created_at.replace(year=2020)
    with db.write() as session:
        webhook_deliveries.forget_old(session)
    assert service.http.get(path).json()["items"] == []
    service.http.delete(f"/webhooks/{webhook['id']}")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://elsewhere.example.org/ltp", "https://elsewhere.example.org is not among the hosts"),
        ("http://hooks.example.org/ltp", "http://hooks.example.org is not among"),
        ("https://hooks.example.org:444/", "https://hooks.example.org:444 is not among"),
        ("https://plain.example.org/", "https://plain.example.org is not among"),
        ("https://hooks.example.org.evil.example/", "is not among"),
        ("https://hooks.example.org@evil.example/", "no user, password"),
        ("https://169.254.169.254/latest", "is not among"),
        ("ftp://hooks.example.org/", "is no URL of https"),
        ("hooks.example.org", "is no URL of https"),
        ("https://hooks.example.org:x/", "is no URL"),
        ("https://hooks.example.org/#part", "fragment"),
    ],
)
def test_an_address_that_the_settings_do_not_allow_is_refused(service: Service, url: str, says: str) -> None:
    refusal = refused(service.http.post("/webhooks", json={"url": url}), 422, "invalid_request")
    assert says in refusal["detail"]
    assert refusal["fields"][0]["path"] == "url"


def test_addresses_that_the_settings_allow_are_taken_up_to_a_number(service: Service) -> None:
    for url in ("https://HOOKS.example.org:443/", "http://plain.example.org/x"):
        assert service.http.post("/webhooks", json={"url": url}).status_code == 201
    full = refused(
        service.http.post("/webhooks", json={"url": "https://hooks.example.org:8443/"}), 409, "quota_exceeded"
    )
    assert "may have 2" in full["detail"]


def test_webhooks_are_off_unless_the_settings_name_a_host(
    tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> None:
    with running(settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir)) as service:
        refusal = refused(service.http.post("/webhooks", json={"url": HOOK}), 422, "invalid_request")
    assert "webhooks are off here: LTP_WEBHOOK_HOSTS names no host" in refusal["detail"]
