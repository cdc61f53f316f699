"""The supervised runner is woken for a job at once, and a wake-up that no runner is there for harms nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.jobs.broker import JobNotifier
from app.serve.embedded import Supervisor
from app.settings import Settings

pytestmark = pytest.mark.process


@pytest.fixture
def supervisor(tmp_path: Path) -> Supervisor:
    return Supervisor(Settings(_env_file=None, data_dir=tmp_path))  # type: ignore[call-arg]


def in_its_place(supervisor: Supervisor, code: str) -> subprocess.Popen[bytes]:
    """Put a process of ours in the runner's place."""
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    supervisor._process = process
    return process


def test_a_committed_job_wakes_the_runner(supervisor: Supervisor) -> None:
    with in_its_place(supervisor, "import os; print(os.read(0, 1))") as runner:
        JobNotifier(None, wake_runner=supervisor.wake_runner).notify("a job", kind="adapter")
        assert runner.stdout is not None
        assert runner.stdout.read() == b"b'\\n'\n"


def test_a_wake_up_without_a_runner_harms_nothing(supervisor: Supervisor) -> None:
    supervisor.wake_runner()
    with in_its_place(supervisor, "pass") as runner:
        runner.wait()
        supervisor.wake_runner()
        assert runner.stdin is not None
        runner.stdin.close()
        supervisor.wake_runner()
