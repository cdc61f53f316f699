"""Schemathesis reads the OpenAPI document and tries to break the running service with it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from served import Service

SECONDS = 60
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


def test_nothing_the_schema_allows_or_forbids_breaks_the_service(
    trained: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained.train("es", method="pt")
    trained.http.put("/languages/sw/aliases/production", json={"version": 1})
    report = tmp_path / "report.json"
    command = [shutil.which("st", path=Path(sys.executable).parent) or "st", "run", f"{trained.url}/openapi.json"]
    options = {
        "--checks": ",".join(CHECKS),
        "--exclude-operation-id": ENDLESS,
        "--max-time": str(SECONDS),
        "--seed": "1",
        "--report-json-path": str(report),
        "--warnings": "off",
        "--generation-database": "none",
    }
    arguments = [part for option in options.items() for part in option]
    run = subprocess.run(
        [*command, *arguments, "--continue-on-failure", "--no-color"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=4 * SECONDS,
    )
    assert report.exists(), run.stdout[-6000:] + run.stderr[-2000:]
    found: dict[str, Any] = json.loads(report.read_text())
    cases, tested = found["test_cases"], found["operations"]["tested"]
    with capsys.disabled():
        sys.stdout.write(f"\nschemathesis: {cases['generated']} cases on {tested} operations, ")
        sys.stdout.write(f"{cases['unique_failures']} failures, {found['running_time']:.0f} s\n")
    assert run.returncode == 0, run.stdout[-6000:]
    assert tested == found["operations"]["total"] - 1
    assert cases["generated"] > 300
