"""A process that must not outlive the one that started it, however that one ends.

Two means together: the kernel's parent-death signal where there is one (Linux), and the end of standard input, a pipe
whose other end only the parent holds, everywhere. Whatever comes through the pipe is a bell that the parent rings.
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
"""Bytes: however often the bell was rung meanwhile, it is heard once."""


def die_with(parent: int, *, bell: Callable[[], object] = lambda: None) -> None:
    """Arrange for this process, and its group, to be killed at once when process `parent` is gone.

    `bell` is called, in a thread of its own, whenever the parent writes to this process's standard input.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the signal was set
        _end()
    threading.Thread(target=_watch, args=(bell,), name="parent-watch", daemon=True).start()


def _watch(bell: Callable[[], object]) -> None:
    while os.read(0, AT_ONCE):
        bell()
    _end()


def _end() -> None:
    os.killpg(0, signal.SIGKILL)
