"""The process that executes one job: in a process group of its own, and killed as a whole.

It is forked from one that has imported what jobs need (`job_parent`), and where that cannot be it is started afresh:
on systems other than Linux, and when the job parent is gone or does not answer. Either way nothing of a job stays in
memory after it, and CUDA is initialised by the job itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import structlog

from app.jobs import Claim
from app.settings import Settings
from app.trace_context import IN_ENVIRONMENT
from worker.job_fork import ANSWER_S, SUPPORTED, ForkedJob, JobParent, NotStarted, reap

log = structlog.get_logger(__name__)


class JobProcesses:
    """Starts the processes of a worker's jobs, one after the other, and keeps what they are forked from."""

    def __init__(self, settings: Settings, *, answer_s: float = ANSWER_S) -> None:
        self._environment, self._answer_s = settings.environment(), answer_s
        self._parent: JobParent | None = None

    def start(self, settings: Settings, claim: Claim, *, traceparent: str = "") -> JobProcess:
        """Start one with these settings. `traceparent` is the span of the job's phases; empty for none."""
        arguments = [claim.job_id, str(claim.attempt), claim.owner, str(os.getpid()), str(time.monotonic())]
        environment = settings.environment() | ({IN_ENVIRONMENT: traceparent} if traceparent else {})
        more = dict(environment.items() - self._environment.items())
        return JobProcess(self._fork(arguments, more), arguments, environment)

    def close(self) -> None:
        """End what jobs are forked from."""
        if self._parent is not None:
            self._parent.end()
        self._parent = None

    @property
    def parent_pid(self) -> int | None:
        """The id of the process that jobs are forked from, if there is one."""
        return None if self._parent is None else self._parent.pid

    def _fork(self, arguments: Sequence[str], more: Mapping[str, str]) -> ForkedJob | None:
        if not SUPPORTED or (self._parent is not None and self._parent.useless):
            return None
        try:
            if self._parent is None or not self._parent.alive:
                self.close()
                self._parent = JobParent(self._environment, answer_s=self._answer_s)
            return ForkedJob(self._parent, arguments, more)
        except OSError as error:
            log.warning("job process started afresh", reason=str(error))
            self.close()
            return None


class JobProcess:
    """A running `python -m worker.job`."""

    def __init__(self, forked: ForkedJob | None, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Be the forked process, or without one start a fresh one with these arguments and this environment."""
        self._given = arguments, environment
        self._process: ForkedJob | _FreshJob = forked or _FreshJob(*self._given)

    @property
    def pid(self) -> int | None:
        """The id of the process, and of its group; None while it is not known."""
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit code once it has ended; negative for a signal."""
        try:
            return self._process.poll()
        except NotStarted as error:
            log.warning("job process started afresh", reason=str(error))
            self._process = _FreshJob(*self._given)
            return None

    def kill(self) -> int:
        """End it and all it started, now; return the exit code."""
        return self._process.kill()


class _FreshJob:
    """One that the worker has started itself."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "worker.job", *arguments],  # -P: nothing of the folder that we are in
            stdin=subprocess.PIPE,  # its end tells the child that this process is gone
            start_new_session=True,
            env=environment,
        )
        self.pid: int | None = self._process.pid

    def poll(self) -> int | None:
        return self._process.poll()

    def kill(self) -> int:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait()
        reap(self._process.pid)
        if self._process.stdin is not None:
            self._process.stdin.close()
        return code


def describe_exit(code: int) -> str:
    """Say how a process ended."""
    if code >= 0:
        return f"its process ended with exit code {code}"
    words = f"its process was ended by {signal.Signals(-code).name}"
    return words + (" (killed from outside, or out of memory)" if code == -signal.SIGKILL else "")
