"""The worker's end of `worker.job_parent`: asking for the process of a job, and waiting for it.

Nothing here waits for an answer: the runner renews its lease meanwhile. Linux alone has what adopting needs.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

SUPPORTED = sys.platform == "linux"
PR_SET_CHILD_SUBREAPER = 36
IMPORTS_S, ANSWER_S = 120.0, 10.0
"""How long a job parent may take to answer, with what it imports for the first two jobs; and from then on."""
IMPORTING = 2
ROOM = "(a job's process shows here which job: its id, attempt, worker, parent and start, instead of these words)"
"""Makes the job parent's command line as long as that of a job, which takes its place in a fork."""
MESSAGE = 64


class NotStarted(Exception):
    """The job parent did not start a job, and is ended: it was gone, or did not answer in time."""


class JobParent:
    """A running `worker.job_parent`."""

    def __init__(self, environment: Mapping[str, str], *, answer_s: float = ANSWER_S) -> None:
        """Start it, to answer within `answer_s` once it has imported all. Raises OSError: it cannot be."""
        self._answer_s = answer_s
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "this system lets no process adopt")
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "worker.job_parent", str(os.getpid()), ROOM],
                stdin=theirs.fileno(),
                start_new_session=True,  # what a terminal sends to the worker is the worker's matter
                env=environment,
            )
        self._socket.settimeout(0)  # never wait
        self.started = 0
        """How many jobs it has started."""
        self.useless = False
        """Whether it was waited for and never started one."""

    @property
    def pid(self) -> int:
        """The id of the process, and of its group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs; it ends by itself when it had nothing to do for long."""
        return self._process.poll() is None

    @property
    def longest_s(self) -> float:
        """How long the next answer may take."""
        return self._answer_s if self.started >= IMPORTING else IMPORTS_S

    def ask(self, arguments: Sequence[str], environment: Mapping[str, str], stdin: int) -> None:
        """Ask for the process of a job. Raises OSError: it is gone."""
        message = json.dumps({"arguments": arguments, "environment": environment}, allow_nan=False)
        socket.send_fds(self._socket, [message.encode()], [stdin])

    def answer(self) -> bytes | None:
        """Return its next message, None if there is none yet. Raises `NotStarted`: it is gone."""
        try:
            message = self._socket.recv(MESSAGE)
        except BlockingIOError:
            return None
        except OSError as error:
            raise NotStarted(f"the job parent is gone: {error}") from error
        if not message:
            raise NotStarted("the job parent is gone")
        return message

    def end(self) -> bytes | None:
        """End it, and what it began to fork; return its next message, if it still said something."""
        if self._socket.fileno() < 0:
            return None
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        reap(self.pid)
        try:
            return self.answer()
        except NotStarted:
            return None
        finally:
            self._socket.close()


class ForkedJob:
    """The process of a job, from the moment that a job parent is asked for it."""

    def __init__(self, parent: JobParent, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Ask for it. Raises OSError: the job parent is gone."""
        self._parent = parent
        self.pid: int | None = None
        """Its id, and that of its group; None while it is not known."""
        self._started = False
        self._code: int | None = None
        self._stdin: int | None = None
        self._longest_s = parent.longest_s
        self._asked = time.monotonic()
        reading, self._stdin = os.pipe()  # its end tells the job that this process is gone
        try:
            parent.ask(arguments, environment, reading)
        except OSError:
            self._close()
            raise
        finally:
            os.close(reading)

    def poll(self) -> int | None:
        """Return the exit code once it has ended; negative for a signal. Raises `NotStarted`."""
        if not self._started:
            try:
                self._listen()
            except NotStarted:
                self._parent.useless = not self._parent.started
                self._give_up()
                raise
        elif self._code is None:
            self._wait(os.WNOHANG)
        return self._code

    def kill(self) -> int:
        """End it and all it started, now; return the exit code."""
        if not self._started:
            with suppress(NotStarted):
                self._listen()  # the answer may be there
        if self._started:
            self._end_group()
        elif self._code is None:
            self._give_up()
        return -signal.SIGKILL if self._code is None else self._code

    def _listen(self) -> None:
        """Take what the job parent has answered so far. Raises `NotStarted`."""
        while not self._started:
            message = self._parent.answer()
            if message is None:
                waited = time.monotonic() - self._asked
                if waited > self._longest_s:
                    raise NotStarted(f"the job parent did not answer within {self._longest_s:g} s")
                return
            if self.pid is None:
                self.pid = int(message)
            else:
                self._started = True
                self._parent.started += 1

    def _give_up(self) -> None:
        """End the job parent and what there is of the job's process, wherever it is on its way to being a job's."""
        message = self._parent.end()
        if self.pid is None and message is not None:
            self.pid = int(message)
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)  # it may not be in a group of its own yet
            self._end_group()
        self._close()
        self._code = -signal.SIGKILL

    def _end_group(self) -> None:
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            if self._code is None:
                self._wait(0)
            reap(self.pid)
        self._close()

    def _wait(self, options: int) -> None:
        try:
            ended, status = os.waitpid(int(self.pid or 0), options)
        except ChildProcessError:  # it never came to be this process's child
            return
        if ended:
            self._code = os.waitstatus_to_exitcode(status)

    def _close(self) -> None:
        if self._stdin is not None:
            os.close(self._stdin)
            self._stdin = None


def reap(group: int) -> None:
    """Wait for all children of this process in a group whose members were killed: orphans of a job are adopted too."""
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-group, 0)
