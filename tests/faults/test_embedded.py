"""`ltp serve`: one service a data directory, every process gone with it, and a runner that is always there."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest
from support.service_processes import Stack, kill, wait_for

from worker.job_fork import SUPPORTED

pytestmark = pytest.mark.process


def answers(stack: Stack) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{stack.settings.port}/healthz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def second_start(stack: Stack) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("ltp")), "serve"],
        env=stack.settings.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_second_start_on_the_same_directory_is_refused_until_the_first_is_gone(
    make_stack: Callable[..., Stack],
) -> None:
    stack = make_stack()
    first = stack.serve()
    wait_for(lambda: answers(stack))
    refused = second_start(stack)
    assert refused.returncode == 1
    assert str(stack.settings.data_dir) in refused.stderr + refused.stdout
    assert "Traceback" not in refused.stderr
    assert first.poll() is None
    assert answers(stack)
    first.kill()
    first.wait()
    stack.serve()
    wait_for(lambda: answers(stack))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_clean(make_stack: Callable[..., Stack], number: int) -> None:
    stack = make_stack()
    process = stack.serve()
    wait_for(lambda: answers(stack))
    stack.one("runner")
    process.send_signal(number)
    assert process.wait(timeout=20) == 0
    assert stack.processes() == []


def test_a_killed_service_leaves_no_process(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    process = stack.serve()
    stack.one("runner")
    job = stack.submit_ticket(epochs=1000, batch_size=1)
    stack.reached(job, "training")
    left = stack.processes()
    expected = {"serve", "runner", "job"} | ({"job parent"} if SUPPORTED else set())
    assert expected <= {_name(child) for child in left}
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(left, timeout=5)
    assert alive == []


def test_a_runner_that_dies_is_started_again_and_again(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    stack.serve()
    runner = stack.one("runner")
    for _ in range(3):
        kill(runner)
        runner = stack.one("runner", other_than=runner.pid)
    assert len(stack.processes("runner")) == 1


def _name(process: psutil.Process) -> str:
    command = process.cmdline()
    if "worker.job_parent" in command:
        return "job parent"
    return "job" if "worker.job" in command else "runner" if "worker" in command else "serve"
