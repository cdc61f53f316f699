"""Files of processes and jobs that are gone: what they left is removed, with the texts in it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest
from support.raw_connection import RawConnection
from support.service_processes import Stack, kill, wait_for

from app.settings import MIB

pytestmark = pytest.mark.process

PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="pairs.jsonl"\r\n\r\n'
TEXT = b"a text of somebody's\n" * (MIB // 21)


def files_with_text(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file() and b"somebody's" in path.read_bytes()]


def answers(stack: Stack) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{stack.settings.port}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_uploads_of_an_api_that_was_killed_are_removed_when_one_starts(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    api = stack.api(port=stack.settings.port)
    wait_for(lambda: answers(stack))
    with ExitStack() as wires:
        for _ in range(4):
            wire = wires.enter_context(RawConnection(stack.settings.port))
            kind = "multipart/form-data; boundary=b"
            wire.head("POST", "/predictions", content_type=kind, content_length=str(200 * MIB)).send(PART)
            for _ in range(4):
                wire.send(TEXT)
        wait_for(lambda: len(files_with_text(stack.settings.data_dir)) == 4)
        kill(psutil.Process(api.pid))
        api.wait()
    assert len(files_with_text(stack.settings.data_dir)) == 4, "nobody was there to remove them"
    stack.api(port=stack.settings.port)
    wait_for(lambda: answers(stack))
    assert files_with_text(stack.settings.data_dir) == []
