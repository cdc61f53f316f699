"""Webhooks over a real socket: what ends a job is told, signed, again until it has arrived, and nowhere else."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from support.receiver import Got, Receiver, receiving
from support.registry_rows import make_adapter, take
from support.running_service import wait_until
from support.servers import Postgres, running_postgres

from app import jobs
from app.jobs import webhook_deliveries, webhooks
from app.settings import Settings
from app.storage.database import Database
from app.storage.models import JobRow, WebhookDeliveryRow, WebhookRow
from worker.webhook_sender import WebhookSender

pytestmark = pytest.mark.process

AT_ONCE_AGAIN = (0.0, 0.0)
"""Three attempts, one after the other."""
PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture
def db(request: pytest.FixtureRequest, migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    """On SQLite, unless a test asks for both databases."""
    with ExitStack() as stack:
        if getattr(request, "param", "sqlite") == "sqlite":
            url = f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'ltp.sqlite3')}"
        else:
            url = stack.enter_context(request.getfixturevalue("postgres").database())
        database = Database(url)
        stack.callback(database.close)
        yield database


on_both = pytest.mark.parametrize("db", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def settings_with(tmp_path: Path, hosts: str, *, private: str = "on") -> Settings:
    return Settings(  # type: ignore[call-arg]
        _env_file=None, data_dir=tmp_path / "data", webhook_hosts=hosts, webhook_private=private
    )


def sender_to(receiver: Receiver, db: Database, tmp_path: Path) -> WebhookSender:
    return WebhookSender(settings_with(tmp_path, receiver.origin), db, waits_s=AT_ONCE_AGAIN)


def subscribe(db: Database, url: str, *events: str) -> WebhookRow:
    with db.write() as session:
        return webhooks.create(session, tenant="default", url=url, events=events or webhooks.EVENTS, most=3)


def cancelled(db: Database, lang: str = "sw") -> JobRow:
    """A job that was cancelled just now."""
    _, job = make_adapter(db, lang=lang)
    with db.write() as session:
        return jobs.cancel(session, tenant=job.tenant, job_id=job.id)


def deliveries(db: Database) -> list[WebhookDeliveryRow]:
    with db.read() as session:
        return list(session.scalars(select(WebhookDeliveryRow).order_by(WebhookDeliveryRow.id)))


def verify(secret: str, got: Got) -> bool:
    """Ask the example of the page for people."""
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102  it is our own page
    check: Callable[..., bool] = names["verify"]
    return check(secret, got.headers, got.body)


def test_the_end_of_a_job_is_told_and_the_pages_example_verifies_it(
    db: Database, receiver: Receiver, tmp_path: Path
) -> None:
    webhook, job = subscribe(db, receiver.url), cancelled(db)
    assert sender_to(receiver, db, tmp_path).send_due() == 1
    (got,) = receiver.got
    told = json.loads(got.body)
    assert (got.path, told["type"]) == ("/ltp?from=here", "job.cancelled")
    assert (told["data"]["id"], told["data"]["kind"], told["data"]["status"]) == (job.id, "adapter", "cancelled")
    assert verify(webhook.secret, got)
    assert not verify(webhook.secret, Got(got.path, got.headers, got.body.replace(b"cancelled", b"succeeded")))
    assert not verify("whsec_AAAA", got)
    assert not verify(webhook.secret, Got(got.path, got.headers | {"webhook-timestamp": "1000000000"}, got.body))


def test_a_failure_is_told_by_its_code_and_without_words(db: Database, receiver: Receiver, tmp_path: Path) -> None:
    subscribe(db, receiver.url)
    _, job = make_adapter(db)
    claim = take(db, job_id=job.id)
    with db.write() as session:
        jobs.fail(session, claim, code="bad_examples", detail="the row 'Geheimnis' has no label")
    sender_to(receiver, db, tmp_path).send_due()
    (got,) = receiver.got
    assert json.loads(got.body)["data"]["error_code"] == "bad_examples"
    assert b"Geheimnis" not in got.body


def test_only_events_that_were_asked_for_of_ones_own_tenant_are_told(
    db: Database, receiver: Receiver, tmp_path: Path
) -> None:
    subscribe(db, receiver.url, "job.failed")
    with db.write() as session:
        webhooks.create(session, tenant="stranger", url=receiver.url, events=webhooks.EVENTS, most=1)
    cancelled(db)
    assert sender_to(receiver, db, tmp_path).send_due() == 0
    assert deliveries(db) == []


def test_a_job_whose_end_is_rolled_back_is_not_told_of(db: Database, receiver: Receiver) -> None:
    subscribe(db, receiver.url)
    _, job = make_adapter(db)
    session = Session(db.engine)
    jobs.cancel(session, tenant=job.tenant, job_id=job.id)
    assert session.scalar(select(WebhookDeliveryRow.job_id)) == job.id
    session.rollback()
    session.close()
    assert deliveries(db) == []


@on_both
def test_what_was_answered_500_is_sent_again_and_after_200_no_more(
    db: Database, receiver: Receiver, tmp_path: Path
) -> None:
    subscribe(db, receiver.url)
    cancelled(db)
    receiver.answers = [500]
    first = sender_to(receiver, db, tmp_path)
    first.send_due()
    (row,) = deliveries(db)
    assert (row.status, row.attempts, row.response_status) == ("pending", 1, 500)
    assert "answered 500" in str(row.error)
    again = sender_to(receiver, db, tmp_path)  # another process, as after a restart
    assert [again.send_due() for _ in range(3)] == [1, 0, 0]
    (row,) = deliveries(db)
    assert (row.status, row.attempts, row.response_status, row.error) == ("delivered", 2, 200, None)
    one, two = receiver.got
    assert one.body == two.body
    assert one.headers["webhook-id"] == two.headers["webhook-id"] == row.id


def test_a_message_whose_sender_died_is_sent_by_the_next(db: Database, receiver: Receiver, tmp_path: Path) -> None:
    subscribe(db, receiver.url)
    cancelled(db)
    with db.write() as session:
        (taken,) = webhook_deliveries.take(session, most=9, waits_s=AT_ONCE_AGAIN)
    assert sender_to(receiver, db, tmp_path).send_due() == 1
    assert receiver.got[0].headers["webhook-id"] == taken.id
    assert deliveries(db)[0].status == "delivered"


@on_both
def test_nobody_else_takes_a_message_while_it_is_being_sent(db: Database, receiver: Receiver) -> None:
    subscribe(db, receiver.url)
    cancelled(db)
    with db.write() as session:
        assert len(webhook_deliveries.take(session, most=9)) == 1
    with db.write() as session:
        assert webhook_deliveries.take(session, most=9) == []


def test_what_cannot_be_signed_keeps_nothing_else_from_being_sent(
    db: Database, receiver: Receiver, tmp_path: Path
) -> None:
    broken, _ = subscribe(db, receiver.url), subscribe(db, receiver.url)
    with db.write() as session:
        session.get_one(WebhookRow, broken.id).secret = "whsec_A"  # as no release has written one
    cancelled(db)
    assert sender_to(receiver, db, tmp_path).send_due() == 2
    assert {row.webhook_id == broken.id: row.status for row in deliveries(db)} == {True: "pending", False: "delivered"}


def test_after_the_last_attempt_it_has_failed(db: Database, receiver: Receiver, tmp_path: Path) -> None:
    subscribe(db, receiver.url)
    cancelled(db)
    receiver.answers = [503] * 9
    sender = sender_to(receiver, db, tmp_path)
    assert [sender.send_due() for _ in range(4)] == [1, 1, 1, 0]
    (row,) = deliveries(db)
    assert (row.status, row.attempts) == ("failed", 3)
    assert row.ended_at is not None


def test_a_redirect_is_not_followed(db: Database, receiver: Receiver, tmp_path: Path) -> None:
    subscribe(db, receiver.url)
    cancelled(db)
    receiver.answers = [307]
    sender_to(receiver, db, tmp_path).send_due()
    assert [got.path for got in receiver.got] == ["/ltp?from=here"]
    (row,) = deliveries(db)
    assert (row.status, row.response_status) == ("pending", 307)
    assert "redirects are not followed" in str(row.error)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_private_address_is_refused_unless_the_settings_allow_it(
    db: Database, receiver: Receiver, tmp_path: Path, host: str
) -> None:
    origin = receiver.origin.replace("127.0.0.1", host)
    subscribe(db, f"{origin}/ltp")
    cancelled(db)
    settings = settings_with(tmp_path, origin, private="off")
    WebhookSender(settings, db, waits_s=AT_ONCE_AGAIN).send_due()
    assert receiver.got == []
    assert "LTP_WEBHOOK_PRIVATE is off" in str(deliveries(db)[0].error)
    WebhookSender(settings_with(tmp_path, origin), db, waits_s=AT_ONCE_AGAIN).send_due()
    assert receiver.got[0].headers["host"] == origin.removeprefix("http://")


def test_a_host_that_the_settings_name_no_more_gets_nothing(db: Database, receiver: Receiver, tmp_path: Path) -> None:
    subscribe(db, receiver.url)
    cancelled(db)
    WebhookSender(settings_with(tmp_path, "hooks.example.org"), db, waits_s=AT_ONCE_AGAIN).send_due()
    assert receiver.got == []
    assert "LTP_WEBHOOK_HOSTS" in str(deliveries(db)[0].error)
    assert WebhookSender(settings_with(tmp_path, ""), db).send_due() == 0


@on_both
def test_a_webhook_that_is_deleted_gets_nothing_more(db: Database, receiver: Receiver, tmp_path: Path) -> None:
    webhook = subscribe(db, receiver.url)
    cancelled(db)
    with db.write() as session:
        webhooks.remove(session, tenant="default", webhook_id=webhook.id)
    assert sender_to(receiver, db, tmp_path).send_due() == 0
    assert deliveries(db) == []


def test_a_running_sender_sends_by_itself(db: Database, receiver: Receiver, tmp_path: Path) -> None:
    subscribe(db, receiver.url)
    cancelled(db, "sw")
    cancelled(db, "qu")
    sender = sender_to(receiver, db, tmp_path)
    sender.start()
    try:
        wait_until(lambda: all(row.status == "delivered" for row in deliveries(db)), 30)
    finally:
        sender.stop()
