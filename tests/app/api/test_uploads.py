"""What may be on its way in at once: bounded by the quota and the spool, asked before a byte of it is written."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from support.raw_connection import RawConnection
from support.running_service import Service, refused, running, settings_for, wait_until
from support.service_with_keys import UNLIMITED, make_key

from app.settings import MIB

pytestmark = pytest.mark.process

PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="pairs.jsonl"\r\n\r\n'
TEXT = b"a text of somebody's\n" * (MIB // 21 - 100)
Start = Callable[..., Service]


@pytest.fixture
def start(tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[Start]:
    """Start a service with keys and settings of one's own."""
    with ExitStack() as stack:
        yield lambda **changes: stack.enter_context(
            running(settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, **{**UNLIMITED, **changes}))
        )


def spooled(service: Service) -> int:
    """Bytes on the spool."""
    total = 0
    for folder, _, names in os.walk(service.settings.data_dir / "uploads"):
        for name in names:
            with suppress(FileNotFoundError):  # the service removes some meanwhile
                total += (Path(folder) / name).stat().st_size
    return total


def begin(wires: ExitStack, service: Service, secret: str, *, mib: int, path: str = "/predictions", **head: Any) -> Any:
    """Begin an upload and send so much of it."""
    wire = wires.enter_context(RawConnection(service.port))
    kind = "multipart/form-data; boundary=b"
    wire.head("POST", path, content_type=kind, authorization=f"Bearer {secret}", **head)
    wire.send(PART)
    for _ in range(mib):
        if wire.has_answered():
            break
        wire.send(TEXT)
    return wire


def test_an_upload_that_the_quota_has_no_room_for_is_refused_before_a_byte_is_written(start: Start) -> None:
    service = start(max_stored_mb=1)
    secret = make_key(service, "predict")["secret"]
    with ExitStack() as wires:
        begun = [begin(wires, service, secret, mib=4, content_length=str(250 * MIB)) for _ in range(8)]
        for wire in begun:
            body = refused(wire.answer(), 409, "quota_exceeded")
            assert "delete what is not needed" in body["detail"]
    assert spooled(service) == 0


def test_an_upload_of_no_declared_size_is_stopped_where_the_quota_ends(start: Start) -> None:
    service = start(max_stored_mb=2)
    secret = make_key(service, "predict")["secret"]
    with ExitStack() as wires:
        wire = wires.enter_context(RawConnection(service.port))
        kind = "multipart/form-data; boundary=b"
        wire.head(
            "POST", "/predictions", content_type=kind, authorization=f"Bearer {secret}", transfer_encoding="chunked"
        )
        wire.send(f"{len(PART):x}\r\n", PART, "\r\n")
        sent = 0
        while not wire.has_answered() and sent < 30:
            wire.send(f"{len(TEXT):x}\r\n", TEXT, "\r\n")
            sent += 1
            time.sleep(0.05)
        refused(wire.answer(), 409, "quota_exceeded")
        assert spooled(service) <= 2 * MIB
    wait_until(lambda: spooled(service) == 0, 10)


def test_a_tenant_has_its_share_of_the_spool_and_another_has_room_left(start: Start) -> None:
    service = start(max_spool_mb=16)
    greedy, other = (make_key(service, "predict", tenant=name)["secret"] for name in ("greedy", "other"))
    with ExitStack() as wires:
        for _ in range(2):
            begin(wires, service, greedy, mib=4, content_length=str(4 * MIB))
        wait_until(lambda: spooled(service) > 5 * MIB, 10)
        late = begin(wires, service, greedy, mib=0, content_length=str(4 * MIB))
        answer = late.answer()
        refused(answer, 429, "too_many_uploads")
        assert int(answer.headers["Retry-After"]) > 0
        never = begin(wires, service, greedy, mib=0, content_length=str(9 * MIB))
        refused(never.answer(), 413, "body_too_large")

        for _ in range(2):
            begin(wires, service, other, mib=4, content_length=str(4 * MIB))
        wait_until(lambda: spooled(service) > 11 * MIB, 10)
        last = make_key(service, "predict", tenant="third")["secret"]
        refused(begin(wires, service, last, mib=0, content_length=str(8 * MIB)).answer(), 503, "spool_full")
        assert spooled(service) <= 16 * MIB
    wait_until(lambda: spooled(service) == 0, 10)
    again = begin(wires, service, greedy, mib=1, content_length="1000")
    assert again.answer().status_code != 429, "what was given up makes room"


def test_uploads_under_way_count_in_what_a_tenant_may_keep(start: Start) -> None:
    service = start(max_stored_mb=5)
    secret = make_key(service, "predict")["secret"]
    with ExitStack() as wires:
        begin(wires, service, secret, mib=3, content_length=str(4 * MIB))
        wait_until(lambda: spooled(service) > 2 * MIB, 10)
        late = begin(wires, service, secret, mib=0, content_length=str(4 * MIB))
        body = refused(late.answer(), 429, "too_many_uploads")
        assert "your other uploads" in body["detail"]
