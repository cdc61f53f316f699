"""Heap memory that nothing uses any more goes back to the system, and what is there for good is not looked at again."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
from pathlib import Path

import pytest

from app.process import OLD_GENERATION_EVERY, TRIM_EVERY_S, HeapTrimmer, begin_startup, end_startup


def resident() -> int:
    """Anonymous resident bytes of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no RssAnon in /proc/self/status")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim") or sys.platform != "linux", reason="glibc only")
def test_holes_in_the_heap_are_given_back() -> None:
    moment = 0.0
    heap = HeapTrimmer(clock=lambda: moment)
    libc = ctypes.CDLL(None)
    libc.malloc.restype = libc.calloc.restype = ctypes.c_void_p
    pieces = [ctypes.c_void_p(libc.malloc(64_000)) for _ in range(2000)]
    for piece in pieces:
        ctypes.memset(piece, 1, 64_000)
    for number, piece in enumerate(pieces):
        if number % 10:  # every tenth stays, so that the heap cannot simply shrink
            libc.free(piece)
    before = resident()
    assert not heap.trim_if_due()
    moment = TRIM_EVERY_S
    assert heap.trim_if_due()
    assert before - resident() > 80_000_000
    assert not heap.trim_if_due()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info") or sys.platform != "linux", reason="glibc only")
@pytest.mark.process
def test_a_service_has_one_heap_however_many_threads_ask_for_memory() -> None:
    heaps = """
import ctypes, sys, threading
from app.process import begin_startup
if sys.argv[1] == "begin":
    begin_startup()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(4)
def ask():
    together.wait()
    libc.malloc(100_000)
    together.wait()
threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""

    def counted(begin: str) -> int:
        told = subprocess.run([sys.executable, "-c", heaps, begin], check=True, capture_output=True, text=True).stdout
        return told.count("<heap nr=")

    assert counted("do not") > 1
    assert counted("begin") == 1


def test_the_collector_rests_while_a_service_starts_and_then_passes_over_what_is_there() -> None:
    assert gc.isenabled()
    before, thresholds = gc.get_freeze_count(), gc.get_threshold()
    end_startup()  # nobody began one
    assert gc.get_freeze_count() <= before, "what was passed over before may have gone, and nothing has come"
    begin_startup()
    try:
        assert not gc.isenabled()
        end_startup()
        assert gc.isenabled()
        assert gc.get_freeze_count() > before
        assert gc.get_threshold() == (*thresholds[:2], OLD_GENERATION_EVERY)
    finally:
        gc.set_threshold(*thresholds)
        gc.enable()
        gc.unfreeze()
