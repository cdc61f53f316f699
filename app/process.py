"""What this process takes of the machine: memory it does not use, and its turn on the processor.

**Memory.** Batches of ever new lengths leave holes in glibc's heap that it keeps: an MLM run of `mini` grew from 2 to
6.5 GB over 480 steps, and shrank to its working set when the heap was trimmed. Other C libraries need nothing of the
kind. Each thread that finds the heap in use gets one of its own, of stretches of 64 MB, in which a batch's largest
pieces do not fit side by side: an engine's heap and the main one held half a gigabyte of holes. What a service
imports and loads stays until its end, so the cyclic collector need not look at it again.

A job's process is the first that the kernel takes when memory runs out, and may have a limit of its own: it then finds
out itself, when it asks for more, and can say so.

**Processor.** The event loop needs little and must have it at once, predictions come next, jobs last. On Linux a thread
has a niceness of its own, and what it starts inherits it, torch's threads too: so it is set before torch is imported.
Elsewhere all stay equal.
"""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

TRIM_EVERY_S = 20.0
"""A trim takes some tens of milliseconds, in which every allocation waits, and what it returned is asked for again."""
OLD_GENERATION_EVERY = 1000
"""Collections of the middle generation before one of everything: with 250 requests under way that takes 60 ms, in which
the event loop stands still, and what they leave is found by the younger generations' collections."""
M_ARENA_MAX = -8
"""The number of heaps, to glibc's `mallopt`."""
ENGINE_NICENESS, JOB_NICENESS = 5, 10
"""Added to the process's own; each step is a quarter less of the processor than a thread that did not take it."""
SWITCH_INTERVAL_S = 0.001
"""How long a thread may keep Python's lock while another waits for it. The engine asks for it after each of a thousand
products, so that at the usual 5 ms a handful of answers on the event loop would hold it up for ten times as long."""


def begin_startup() -> None:
    """Keep to one heap, and pause the cyclic collector until `end_startup`; before the process has other threads."""
    choose = getattr(ctypes.CDLL(None), "mallopt", None)
    if choose is not None and sys.platform == "linux":
        choose(M_ARENA_MAX, 1)
    gc.disable()


def end_startup() -> None:
    """Collect again, but never look at what is there by now, and seldom at all that has come since.

    Does nothing unless `begin_startup` was called.
    """
    if not gc.isenabled():
        young, middle, _ = gc.get_threshold()
        gc.set_threshold(young, middle, OLD_GENERATION_EVERY)
        gc.freeze()
        gc.enable()


class HeapTrimmer:
    """Returns unused pages of the heap to the system, for a loop that runs for long."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._trimmed = clock()

    def trim_if_due(self) -> bool:
        """Trim the heap if the last time is `TRIM_EVERY_S` ago; tell whether it was."""
        if self._clock() - self._trimmed < TRIM_EVERY_S:
            return False
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
        self._trimmed = self._clock()
        return True


def set_switch_interval() -> None:
    """Let the threads of this process take Python's lock from each other after `SWITCH_INTERVAL_S`."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def lower_priority(niceness: int) -> None:
    """Raise the niceness of the calling thread, and of what it will start."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with suppress(OSError):  # some sandboxes have no such call, and the service works without
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + niceness)


def limit_memory(megabytes: int) -> None:
    """Refuse this process more than so many MiB of heap, stacks of threads, and what else is its own and writable.

    Files that are mapped are not counted, nor is address space that is only reserved, of which torch takes much.
    """
    if sys.platform == "linux":
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = megabytes << 20
        resource.setrlimit(
            resource.RLIMIT_DATA, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most)
        )


def be_first_to_go() -> None:
    """Be what the kernel ends first when memory runs out, rather than a database or an API beside it."""
    with suppress(OSError):  # other systems have no such file
        Path("/proc/self/oom_score_adj").write_text("1000")
