"""A job's process is the same however it came to be: forked from the job parent, or started afresh where that fails."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs
from support.service_processes import wait_for

from app.jobs import Claim
from app.settings import Settings
from app.storage.database import Database
from worker.job import DISCARDED
from worker.job_fork import SUPPORTED, reap
from worker.job_parent import unfit
from worker.job_process import JobProcess, JobProcesses

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
NOBODYS = Claim("no such job", 1, "nobody")
"""A job's process that is given it ends with `DISCARDED`, once it could write to the database."""
IMPORTED_AND_FORKED = """
import os, torch
from worker.job_parent import import_at_start, import_for_more, unfit
import_at_start()
import_for_more()
print(len(os.listdir("/proc/self/task")), unfit(), torch.cuda.is_initialized(), sep=",", end=",", flush=True)
if not (child := os.fork()):
    print(torch.ones(2, device=os.environ.get("LTP_DEVICE", "cpu")).sum().item(), flush=True)
    os._exit(0)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
forks = pytest.mark.skipif(not SUPPORTED, reason="elsewhere jobs are started afresh")


@pytest.fixture(scope="module")
def settings(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("data")
    shutil.copy(migrated_sqlite, folder / "ltp.sqlite3")
    return Settings(_env_file=None, data_dir=folder, log_level="error")  # type: ignore[call-arg]


@pytest.fixture(scope="module")
def processes(settings: Settings) -> Iterator[JobProcesses]:
    """What starts jobs; it has started two, so that all is imported."""
    made = JobProcesses(settings, answer_s=1)
    for _ in range(2):
        assert ended(made.start(settings, NOBODYS)) == DISCARDED
    yield made
    made.close()


@contextmanager
def busy_database(settings: Settings) -> Iterator[None]:
    """Nobody else can write meanwhile, so that jobs go on until they are killed."""
    with closing(Database.from_settings(settings)) as db, db.write():
        yield


def ended(process: JobProcess, *, within_s: float = 120) -> int:
    """The exit code, once there is one."""
    wait_for(lambda: process.poll() is not None, timeout_s=within_s, message="the process did not end")
    return process.kill()


def running(process: JobProcess) -> psutil.Process:
    """The process, once its id is known and it has its arguments."""

    def there() -> psutil.Process | None:
        assert process.poll() is None
        return None if process.pid is None else psutil.Process(process.pid)

    found = wait_for(there, message="its id was not told")
    wait_for(lambda: "worker.job" in found.cmdline(), message="it is not shown as a job")
    return found


def parent_of(processes: JobProcesses) -> psutil.Process:
    assert processes.parent_pid is not None
    return psutil.Process(processes.parent_pid)


def fresh(settings: Settings) -> JobProcess:
    arguments = [NOBODYS.job_id, str(NOBODYS.attempt), NOBODYS.owner, str(os.getpid()), str(time.monotonic())]
    return JobProcess(None, arguments, settings.environment())


@forks
def test_a_forked_job_is_seen_adopted_and_ends_like_a_fresh_one(processes: JobProcesses, settings: Settings) -> None:
    with busy_database(settings):
        started = [fresh(settings), processes.start(settings, NOBODYS)]
        seen = [running(process) for process in started]
        assert [process.ppid() for process in seen] == [os.getpid()] * 2
        assert [os.getsid(process.pid) for process in seen] == [process.pid for process in seen]
        expected, shown = (process.cmdline() for process in seen)
        assert shown[: len(expected) - 1] == expected[:-1], "the last says when it was started"
        assert seen[1].environ() == parent_of(processes).environ()
    assert [ended(process) for process in started] == [DISCARDED] * 2
    assert [process.kill() for process in started] == [DISCARDED] * 2, "and may be told again"
    assert not any(psutil.pid_exists(process.pid) for process in seen)


@forks
def test_a_forked_job_has_the_settings_it_is_started_with(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    processes = JobProcesses(settings)  # which writes where this test looks
    for level, says in (("error", False), ("info", True), ("error", False)):
        changed = settings.model_copy(update={"log_level": level})
        assert ended(processes.start(changed, NOBODYS)) == DISCARDED
        assert ("discarded" in "".join(capfd.readouterr())) is says, level
    processes.close()


@forks
def test_signals_end_a_forked_job_and_its_group(processes: JobProcesses, settings: Settings) -> None:
    with busy_database(settings):
        process = processes.start(settings, NOBODYS)
        running(process).terminate()
        assert ended(process) == -signal.SIGTERM
        process = processes.start(settings, NOBODYS)
        seen = running(process)
        assert process.kill() == process.kill() == process.poll() == -signal.SIGKILL
        assert not psutil.pid_exists(seen.pid)


@forks
def test_what_a_job_leaves_in_its_group_is_killed_and_reaped(processes: JobProcesses) -> None:
    """As the process of an earlier fork is this process's to reap, so are those that a job has started."""
    script = ["sh", "-c", "sleep 60 & echo $!"]
    with subprocess.Popen(script, stdout=subprocess.PIPE, start_new_session=True) as job:
        assert job.stdout is not None
        orphan = psutil.Process(int(job.stdout.readline()))
        job.wait()
        assert orphan.ppid() == os.getpid()
        os.killpg(job.pid, signal.SIGKILL)
        reap(job.pid)
    assert not psutil.pid_exists(orphan.pid)


@forks
def test_a_job_parent_that_does_not_answer_is_replaced_by_a_fresh_process(
    processes: JobProcesses, settings: Settings
) -> None:
    frozen = parent_of(processes)
    frozen.suspend()
    with capture_logs() as logs:
        process = processes.start(settings, NOBODYS)
        assert ended(process) == DISCARDED
    (line,) = logs
    assert (line["log_level"], line["event"]) == ("warning", "job process started afresh")
    assert not psutil.pid_exists(frozen.pid)
    with capture_logs() as logs:
        assert ended(processes.start(settings, NOBODYS)) == DISCARDED
    assert logs == [], "and the next is forked from another one"
    assert parent_of(processes) != frozen


@forks
def test_a_job_is_started_afresh_when_the_job_parent_dies_over_it(processes: JobProcesses, settings: Settings) -> None:
    parent = parent_of(processes)
    parent.suspend()
    process = processes.start(settings, NOBODYS)
    parent.kill()
    with capture_logs() as logs:
        assert ended(process) == DISCARDED
    assert [line["log_level"] for line in logs] == ["warning"]


@forks
def test_a_job_may_be_killed_before_it_is_there(settings: Settings) -> None:
    processes = JobProcesses(settings)
    process = processes.start(settings, NOBODYS)
    parent = parent_of(processes)
    assert process.kill() == process.kill() == -signal.SIGKILL
    assert not psutil.pid_exists(parent.pid)
    processes.close()


def test_a_process_with_other_threads_is_unfit_to_fork() -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait, name="not ours")
    assert "not ours" not in unfit()
    thread.start()
    try:
        assert "not ours" in unfit()
    finally:
        over.set()
        thread.join()


@pytest.mark.device
def test_what_jobs_import_starts_no_thread_and_leaves_every_device_to_the_jobs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED_AND_FORKED],
        cwd=ROOT,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # which has its own before it is used
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    threads, reason, initialised, computed = done.stdout.split(",")
    assert (threads, reason, initialised) == ("1", "", "False")
    assert float(computed) == 2.0
