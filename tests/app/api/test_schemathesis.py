"""Schemathesis reads the OpenAPI document and tries to break the running service with it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.running_service import Service, running, settings_for
from support.service_with_keys import UNLIMITED, admin_of

pytestmark = pytest.mark.process

OPEN_S, GUARDED_S = 30, 30
"""How long a service without and one with authentication are tried."""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)
ENDLESS = "watch_job"
"""The stream of an unfinished job does not end; its own tests are with the jobs."""


@pytest.fixture
def guarded(tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[Service]:
    """A ready service that asks for keys, with an adapter; `http` carries the settings' key."""
    settings = settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, **UNLIMITED)
    with running(settings) as service, admin_of(service) as service.http:
        service.wait_ready()
        service.train("en", alias="production", method="pt")
        yield service


def test_nothing_the_schema_allows_or_forbids_breaks_the_service(
    trained: Service, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    trained.train("es", method="pt")
    trained.http.put("/languages/sw/aliases/production", json={"version": 1})
    record_property("figures", attack(trained, tmp_path, checks=CHECKS, seconds=OPEN_S))


def test_nothing_is_open_to_who_has_no_key_nor_broken_by_who_has(
    guarded: Service, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("figures", attack(guarded, tmp_path, checks=(*CHECKS, "ignored_auth"), seconds=GUARDED_S))


def attack(service: Service, directory: Path, *, checks: Sequence[str], seconds: int) -> str:
    """Try every operation but the endless one, with the client's key if it has one; says how it went."""
    report = directory / "report.json"
    command = [shutil.which("st", path=Path(sys.executable).parent) or "st", "run", f"{service.url}/openapi.json"]
    options = {
        "--checks": ",".join(checks),
        "--exclude-operation-id": ENDLESS,
        "--max-time": str(seconds),
        "--seed": "1",
        "--report-json-path": str(report),
        "--warnings": "off",
        "--generation-database": "none",
    }
    if key := service.http.headers.get("Authorization"):
        options["--header"] = f"Authorization:{key}"
    arguments = [part for option in options.items() for part in option]
    run = subprocess.run(
        [*command, *arguments, "--continue-on-failure", "--no-color"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=8 * seconds,
    )
    assert report.exists(), run.stdout[-6000:] + run.stderr[-2000:]
    found: dict[str, Any] = json.loads(report.read_text())
    cases, tested = found["test_cases"], found["operations"]["tested"]
    assert run.returncode == 0, run.stdout[-6000:]
    assert tested == found["operations"]["total"] - 1
    assert cases["generated"] > 150
    figures = f"{cases['generated']} cases on {tested} operations, {cases['unique_failures']} failures"
    return f"{figures}, {found['running_time']:.0f} s"
