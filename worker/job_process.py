"""The process that executes one job: started fresh, in a process group of its own, and killed as a whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

from app.jobs import Claim
from app.settings import Settings
from app.trace_context import IN_ENVIRONMENT


class JobProcess:
    """A running `python -m worker.job`. Fresh means CUDA-safe, and that all its memory comes back."""

    def __init__(self, settings: Settings, claim: Claim, *, traceparent: str = "") -> None:
        """`traceparent` is the span that the job's phases belong to; empty for none."""
        arguments = [claim.job_id, str(claim.attempt), claim.owner, str(os.getpid()), str(time.monotonic())]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "worker.job", *arguments],  # -P: nothing of the folder that we are in
            stdin=subprocess.PIPE,  # its end tells the child that this process is gone
            start_new_session=True,
            env=settings.environment() | ({IN_ENVIRONMENT: traceparent} if traceparent else {}),
        )

    @property
    def pid(self) -> int:
        """The id of the process, and of its group."""
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit code once it has ended; negative for a signal."""
        return self._process.poll()

    def kill(self) -> int:
        """End it and all it started, now; return the exit code."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        return code


def describe_exit(code: int) -> str:
    """Say how a process ended."""
    if code >= 0:
        return f"its process ended with exit code {code}"
    words = f"its process was ended by {signal.Signals(-code).name}"
    return words + (" (killed from outside, or out of memory)" if code == -signal.SIGKILL else "")
