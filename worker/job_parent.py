"""`python -P -m worker.job_parent WORKER ...`: a fork server, whose forks are the processes of jobs.

It has imported what every job needs, which costs a fresh process some seconds; a fork has it at once. `worker.job_fork`
asks for one by a message on standard input, a Unix socket: the job's arguments, what else its environment holds, and
the pipe that is to be its standard input. The fork becomes a child of the worker, as a process is that the worker
itself starts: this process forks one that forks the job's and ends, and the worker is the next ancestor that adopts
(`PR_SET_CHILD_SUBREAPER`). Two messages answer: the process's id, then that it is in a session of its own.

What jobs need is imported when it is asked for: most of it for the first job, the rest for the second, unless jobs may
have little memory.

**Why forking is safe here.** A fork has one thread, and of a lock that another one held a copy that nobody opens. So
nothing is done here with what is imported: no thread is started, no tensor computed, no connection opened. NumPy's
OpenBLAS, whose threads begin with its import, ends them before a fork by itself and starts them again when it next
needs them. CUDA cannot be used in the fork of a process that has used it; this one has not, each job initialises it by
itself. `unfit` looks for both before each fork, and this process then ends instead. Python's `random` and `uuid_utils`
take new seeds in each fork by themselves, torch's generator begins with the seed that it always has.

It ends with the worker, and after `IDLE_S` without a request: then its memory comes back, also during a long job.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from app.process import begin_startup
from app.settings import Settings, add_variables
from worker.parent_watch import die_with_parent

IDLE_S = 600.0
ROOMY_MB = 4096
"""A limit of a job's memory below this leaves none for what `import_for_more` adds, 90 MB at most."""
MOST = 1 << 16
"""Bytes of a request."""
STARTED = b"started"
"""The second answer; the first is a process id in digits."""
CUDA_ERROR_NOT_INITIALIZED = 3
COMMAND_LINE_AT = 45
"""Where `/proc/self/stat`, after the name in brackets, says between which addresses the command line lies."""


class Request(NamedTuple):
    """A job to be started: arguments of `worker.job`, more variables for its environment, its standard input."""

    arguments: list[str]
    environment: dict[str, str]
    stdin: int


def import_at_start() -> None:
    """Import what the first job needs, of whatever kind it is."""
    import ltp.adapter.crossfit.train
    import ltp.backbone.load
    import ltp.drift.train
    import ltp.ticket.selection  # noqa: F401
    import worker.checkpoints
    import worker.execute.adapter
    import worker.execute.ticket
    import worker.job  # noqa: F401


def import_for_more() -> None:
    """Import what else jobs import until they compute: half as much again, which a single job may not need."""
    import numba  # noqa: F401
    import torch._dynamo  # noqa: F401

    import ltp.engine.int8_agreement
    import ltp.language_delta.train  # noqa: F401
    import worker.execute.language_delta
    import worker.execute.prediction  # noqa: F401


def _is_roomy(settings: Settings) -> bool:
    """Whether jobs may have memory for modules that only some of them use."""
    return not 0 < settings.job_memory_mb < ROOMY_MB


def unfit() -> str:
    """Say what makes this process one that must not fork; empty for nothing."""
    if others := [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]:
        return f"importing started threads: {', '.join(others)}"
    return "importing initialised CUDA" if _cuda_is_initialised() else ""


def _cuda_is_initialised() -> bool:
    """Ask the driver, if anything has loaded it, whether this process has."""
    try:
        driver = ctypes.CDLL("libcuda.so.1", os.RTLD_NOLOAD)
    except OSError:
        return False
    return bool(driver.cuCtxGetCurrent(ctypes.byref(ctypes.c_void_p())) != CUDA_ERROR_NOT_INITIALIZED)


def serve(worker: int) -> list[str] | None:
    """Answer requests from standard input, until there is no worker or no work any more: return None then.

    In the process of a job, which is a fork of this one, return the job's arguments. Raises `RuntimeError` where this
    process must not, or cannot fork.
    """
    die_with_parent(worker)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # end without a word
    requests = socket.socket(fileno=os.dup(0))
    _to_standard_input(os.open(os.devnull, os.O_RDONLY))
    requests.settimeout(IDLE_S)
    begin_startup()
    imports = iter((import_at_start, import_for_more) if _is_roomy(Settings()) else (import_at_start,))
    with requests:
        while (request := _next(requests)) is not None:
            for import_them in islice(imports, 1):
                import_them()
                gc.freeze()
            if reason := unfit():
                raise RuntimeError(f"this process cannot fork: {reason}")
            if _fork(request, requests, worker):
                return request.arguments
            os.close(request.stdin)
    return None


def _next(requests: socket.socket) -> Request | None:
    """Wait for a request; None when the worker has closed the socket, or asked for nothing for long."""
    try:
        message, files, _, _ = socket.recv_fds(requests, MOST, 1, socket.MSG_CMSG_CLOEXEC)
    except TimeoutError:
        return None
    return Request(**json.loads(message), stdin=files[0]) if message else None


def _fork(request: Request, requests: socket.socket, worker: int) -> bool:
    """Start the process of a job; return whether this is it."""
    adopted, adopting = os.pipe()
    between = os.fork()
    if between:
        os.close(adopted)
        _, status = os.waitpid(between, 0)
        os.close(adopting)
        if status:
            raise RuntimeError("no process could be started")
        return False
    _fork_and_end(requests)
    os.close(adopting)
    os.read(adopted, 1)  # until the last to hold the other end has seen the process between end
    os.close(adopted)
    _become_job(request)
    with suppress(OSError):
        if os.getppid() == worker:
            requests.send(STARTED)
            return True
    os._exit(1)  # the worker is gone, or does not adopt


def _fork_and_end(requests: socket.socket) -> None:
    """Fork once more, tell the new process's id, and end: only the new process returns."""
    code = 1
    try:
        job = os.fork()
        if not job:
            code = -1
            return
        requests.send(str(job).encode())
        code = 0
    finally:
        if code >= 0:
            os._exit(code)


def _become_job(request: Request) -> None:
    """Give this process what a fresh `python -P -m worker.job` has: session, input, signals, variables, arguments."""
    os.setsid()
    _to_standard_input(request.stdin)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    add_variables(request.environment)
    sys.argv[1:] = request.arguments
    show_command_line([sys.executable, "-P", "-m", "worker.job", *request.arguments])


def _to_standard_input(file: int) -> None:
    os.dup2(file, 0)
    os.close(file)


def show_command_line(arguments: list[str]) -> None:
    """Let lists of processes show these words, as far as there is room where this process's own ones are.

    No package does it: `setproctitle` takes the place of the environment as well, by which processes are told apart
    (`/proc/PID/environ`), or joins the words to one.
    """
    numbers = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = (int(number) for number in numbers[COMMAND_LINE_AT : COMMAND_LINE_AT + 2])
    if 0 < start < end:
        shown = "\0".join(arguments).encode()[: end - start - 1]
        ctypes.memmove(start, shown.ljust(end - start, b"\0"), end - start)


if __name__ == "__main__":
    job = serve(int(sys.argv[1]))
    if job is not None:
        from worker.job import main

        sys.exit(main(job))
