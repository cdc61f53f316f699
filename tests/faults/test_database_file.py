"""`ltp serve` whose database is deleted, replaced or damaged under it, and who may read what it keeps."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from support.running_service import EXAMPLES, refused
from support.service_processes import Stack, wait_for

pytestmark = pytest.mark.process

ADAPTER = {"lang": "en", "method": "pt", "examples": EXAMPLES, "training": {"epochs": 400}}


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def client(stack: Stack) -> Iterator[httpx.Client]:
    """A client of `ltp serve`, once it is ready."""
    with httpx.Client(base_url=f"http://127.0.0.1:{stack.settings.port}", timeout=30, trust_env=False) as http:

        def ready() -> bool:
            try:
                return http.get("/readyz").status_code == 200
            except httpx.TransportError:
                return False

        wait_for(ready)
        yield http


def readable_by_others(directory: Path) -> list[str]:
    """What another user of the machine could open: the folder itself, or anything in it."""
    found = []
    for folder, _, files in os.walk(directory):  # passes over what is removed meanwhile
        for path in (Path(folder), *(Path(folder) / name for name in files)):
            with suppress(FileNotFoundError):  # a checkpoint that has just got its name
                mode = path.stat().st_mode
                if mode & 0o077:
                    found.append(f"{path.relative_to(directory)} {oct(mode & 0o777)}")
    return sorted(found)


def test_what_is_kept_is_for_the_service_alone_also_what_was_there_before(make_stack: Callable[..., Stack]) -> None:
    with umask(0o022):
        stack = make_stack()
        directory = stack.settings.data_dir
        (directory / "work" / "0199f3b0-15a9-7c6e-b1d2-0b7f4d1c9a33" / "1").mkdir(parents=True)
        (directory / "work" / "0199f3b0-15a9-7c6e-b1d2-0b7f4d1c9a33" / "1" / "examples.jsonl").write_text("a text")
        for path in (directory, *directory.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        stack.serve()
        with client(stack) as http:
            accepted = http.post("/adapters", json=ADAPTER)
            assert accepted.status_code == 202, accepted.text
            job = stack.job(accepted.json()["job"]["id"])
            stack.reached(job, "training")
            wait_for(lambda: list((stack.settings.work / job.id).rglob("examples.jsonl")))
            assert (directory / "ltp.sqlite3-wal").exists()
            assert readable_by_others(directory) == []
            assert http.post(f"/jobs/{job.id}/cancel").status_code == 202
            stack.finish(job)
            assert readable_by_others(directory) == []


def test_a_database_that_was_deleted_takes_nothing_more_and_is_not_made_anew(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    stack.serve()
    with client(stack) as http:
        path = stack.settings.data_dir / "ltp.sqlite3"
        moved = path.rename(path.with_name("elsewhere"))
        refused(http.post("/adapters", json=ADAPTER), 503, "database_gone")
        assert "was deleted" in refused(http.get("/jobs"), 503, "database_gone")["detail"]
        body = wait_for(lambda: (answer := http.get("/readyz")).status_code == 503 and answer.json())
        assert "was deleted while it was open" in body["detail"]
        assert http.get("/healthz").status_code == 200
        stack.one("runner").kill()
        stack.one("runner", timeout_s=30)
        refused(http.get("/jobs"), 503, "database_gone")
        assert not path.exists(), "neither the API nor a new runner has made an empty one"

        shutil.copy(moved, path)
        assert "was replaced" in refused(http.get("/jobs"), 503, "database_gone")["detail"]
        path.unlink()
        moved.rename(path)
        wait_for(lambda: http.get("/readyz").status_code == 200, message="it is back at its place")
        assert http.get("/jobs").status_code == 200


def test_damaged_pages_are_told_by_their_name(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    stack.serve()
    with client(stack) as http:
        assert http.post("/adapters", json=ADAPTER).status_code == 202
        path = stack.settings.data_dir / "ltp.sqlite3"
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            page = connection.execute("PRAGMA page_size").fetchone()[0]
            roots = connection.execute("SELECT rootpage FROM sqlite_master WHERE tbl_name IN ('jobs', 'audit_events')")
            damaged = [root for (root,) in roots if root]
        with path.open("r+b") as file:
            for root in damaged:
                file.seek((root - 1) * page)
                file.write(b"\xff" * page)
        body = wait_for(lambda: (answer := http.get("/jobs")).status_code == 503 and answer.json())
        assert body["error"] == "database_damaged"
        refused(http.post("/adapters", json={**ADAPTER, "lang": "es"}), 503, "database_damaged")
        body = wait_for(lambda: (answer := http.get("/readyz")).status_code == 503 and answer.json())
        assert "damaged" in body["detail"]
