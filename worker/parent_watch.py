"""A process that must not outlive the one that started it, however that one ends.

Two means together: the kernel's parent-death signal where there is one (Linux), and the end of standard input, a pipe
whose other end only the parent holds, everywhere. What the parent writes to the pipe wakes this process.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
AT_ONCE = 4096
"""Bytes read together: however many the parent wrote meanwhile, they wake once."""


def exit_with_parent(parent: int, *, on_input: Callable[[], object] = lambda: None) -> None:
    """Arrange for this process, and its group, to be killed at once when process `parent` is gone.

    `on_input` is called, in a thread of its own, whenever the parent writes to this process's standard input.
    """
    die_with_parent(parent)
    threading.Thread(target=_watch, args=(on_input,), name="parent-watch", daemon=True).start()


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when process `parent` is gone, where it does that; starts no thread."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the signal was set
        _kill_group()


def _watch(on_input: Callable[[], object]) -> None:
    while os.read(0, AT_ONCE):
        on_input()
    _kill_group()


def _kill_group() -> None:
    os.killpg(0, signal.SIGKILL)
