"""The runner beside the API hears of a job at once, and a bell nobody hears disturbs nobody."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.jobs.broker import Doorbell
from app.serve.embedded import Supervisor
from app.settings import Settings

pytestmark = pytest.mark.process


@pytest.fixture
def supervisor(tmp_path: Path) -> Supervisor:
    return Supervisor(Settings(_env_file=None, data_dir=tmp_path))  # type: ignore[call-arg]


def beside(supervisor: Supervisor, code: str) -> subprocess.Popen[bytes]:
    """Put a process of ours in the runner's place."""
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    supervisor._process = process
    return process


def test_a_committed_job_rings_for_the_runner(supervisor: Supervisor) -> None:
    with beside(supervisor, "import os; print(os.read(0, 1))") as runner:
        Doorbell(None, beside=supervisor.ring).ring("a job", kind="adapter")
        assert runner.stdout is not None
        assert runner.stdout.read() == b"b'\\n'\n"


def test_a_bell_that_is_not_heard_disturbs_nobody(supervisor: Supervisor) -> None:
    supervisor.ring()
    with beside(supervisor, "pass") as runner:
        runner.wait()
        supervisor.ring()
        assert runner.stdin is not None
        runner.stdin.close()
        supervisor.ring()
