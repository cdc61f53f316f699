"""The suite's tests that hold on any device, run on this one: drift, ticket, adapter, engine, beside the processor."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

from bench.gpu.device import Setting

ROOT = Path(__file__).parents[2]
TAIL = 4000


def run(setting: Setting) -> None:
    """Count how many passed, and name those that did not."""
    with setting.measuring("device tests") as figures, tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "tests.xml"
        command = [sys.executable, "-m", "pytest", "-m", "device", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
        done = subprocess.run(
            [*command, f"--junit-xml={report}", "tests/ltp"],
            cwd=ROOT,
            env=os.environ | {"LTP_DEVICE": setting.device},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(done.stdout, file=sys.stderr)
        cases = list(ET.parse(report).iter("testcase")) if report.exists() else []  # noqa: S314  our own report
        failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
        figures |= {
            "tests": len(cases),
            "skipped": sum(case.find("skipped") is not None for case in cases),
            "not_passed": [f"{case.get('classname')}.{case.get('name')}" for case in failed],
            "measured": _measured(done.stdout),
        }
        if done.returncode or not cases:
            figures["failed"] = done.stdout[-TAIL:]


def _measured(output: str) -> dict[str, str]:
    """What tests showed beside what they hold: the differences between the devices."""
    return dict(re.findall(r"^tests/ltp/\S*?::(\S+): (.*)$", output, re.MULTILINE))
