"""Who goes first where there are fewer processors than work: the event loop, then the engine, then jobs.

The event loop needs little and must have it at once; predictions are waited for by somebody; a job takes minutes. On
Linux a thread has a niceness of its own, and what it starts inherits it: torch's threads, too, so that this has to be
said before torch is imported. Elsewhere all stay equal.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

ENGINE, JOB = 5, 10
"""Niceness added; each step is a quarter less of the processor beside somebody who did not take it."""

TURN_S = 0.001
"""How long a thread may keep Python's lock while another waits for it. The engine asks for it after each of a thousand
products, so that at the usual 5 ms a handful of answers on the event loop would hold it up for ten times as long."""


def take_turns() -> None:
    """Let the threads of this process change over often."""
    sys.setswitchinterval(TURN_S)


def step_back(niceness: int) -> None:
    """Let others go before the calling thread, and before what it will start."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with suppress(OSError):  # no such call in this sandbox; it is only a courtesy
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + niceness)
