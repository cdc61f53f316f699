"""A process that must not outlive the one that started it, however that one ends.

Two means together: the kernel's parent-death signal where there is one (Linux), and the end of standard input, a pipe
whose other end only the parent holds, everywhere.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading

PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Arrange for this process, and its group, to be killed at once when process `parent` is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the signal was set
        _end()
    threading.Thread(target=_watch, name="parent-watch", daemon=True).start()


def _watch() -> None:
    while os.read(0, 1):
        pass
    _end()


def _end() -> None:
    os.killpg(0, signal.SIGKILL)
