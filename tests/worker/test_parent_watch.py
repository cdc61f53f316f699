"""A guarded process does not outlive its parent, however the parent ends and whatever the process is doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from support.service_processes import is_gone

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
CHILD = """
import os, subprocess, sys, time
from worker.parent_watch import exit_with_parent
{prelude}
exit_with_parent(int(sys.argv[1]))
grandchild = subprocess.Popen(["sleep", "60"])
print(os.getpid(), grandchild.pid, flush=True)
{work}
"""
PARENT = """
import os, subprocess, sys, time
command = [sys.executable, "-c", sys.argv[1], str(os.getpid())]
child = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
{work}
"""
BUSY = "import re; re.match('(a+)+b', 'a' * 60)"  # holds the interpreter's lock for ever


def start(parent_work: str, child_work: str, prelude: str = "") -> tuple[subprocess.Popen[bytes], list[psutil.Process]]:
    child = CHILD.format(prelude=prelude, work=child_work)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(work=parent_work), child], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert parent.stdout is not None
    return parent, [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]


def gone(process: psutil.Process, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if is_gone(process):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_child_dies_with_its_parent(number: int) -> None:
    parent, (child, _) = start("time.sleep(60)", "time.sleep(60)")
    parent.send_signal(number)
    assert gone(child, 2)


def test_the_child_dies_even_while_it_holds_the_interpreter() -> None:
    parent, (child, _) = start("time.sleep(60)", BUSY)
    time.sleep(0.3)
    parent.kill()
    assert gone(child, 2)


def test_what_the_child_started_dies_with_it_when_the_pipe_ends() -> None:
    # without the kernel's signal, as on systems that have none
    parent, processes = start("time.sleep(60)", "time.sleep(60)", "sys.platform = 'elsewhere'")
    parent.kill()
    assert [gone(process, 2) for process in processes] == [True, True]


def test_what_the_parent_writes_wakes_the_child() -> None:
    on_input = "lambda: print('woken', flush=True)"
    wait = f"exit_with_parent(os.getppid(), on_input={on_input}); time.sleep(60)"
    code = f"import os, time; from worker.parent_watch import exit_with_parent; {wait}"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        start_new_session=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for _ in range(2):
            os.write(child.stdin.fileno(), b"\n")
            assert child.stdout.readline() == b"woken\n"
        child.stdin.close()
        assert gone(psutil.Process(child.pid), 2)


def test_a_child_whose_parent_is_gone_already_does_not_start() -> None:
    code = "import time; from worker.parent_watch import exit_with_parent; exit_with_parent(999999); time.sleep(60)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == -signal.SIGKILL


def test_the_parent_goes_on_when_the_child_ends() -> None:
    parent, (child, grandchild) = start("child.wait(); time.sleep(60)", "time.sleep(60)")
    child.kill()
    assert gone(child, 5)
    time.sleep(0.3)
    assert parent.poll() is None
    parent.kill()
    os.kill(grandchild.pid, signal.SIGKILL)
