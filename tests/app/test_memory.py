"""Heap memory that nothing uses any more goes back to the system, and what is there for good is not looked at again."""

from __future__ import annotations

import ctypes
import gc
import sys
from pathlib import Path

import pytest

from app.memory import EVERY_S, SELDOM, Slack, begin_start, end_start


def resident() -> int:
    """Anonymous resident bytes of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no RssAnon in /proc/self/status")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim") or sys.platform != "linux", reason="glibc only")
def test_holes_in_the_heap_are_given_back() -> None:
    moment = 0.0
    slack = Slack(clock=lambda: moment)
    libc = ctypes.CDLL(None)
    libc.malloc.restype = libc.calloc.restype = ctypes.c_void_p
    pieces = [ctypes.c_void_p(libc.malloc(64_000)) for _ in range(2000)]
    for piece in pieces:
        ctypes.memset(piece, 1, 64_000)
    for number, piece in enumerate(pieces):
        if number % 10:  # every tenth stays, so that the heap cannot simply shrink
            libc.free(piece)
    before = resident()
    assert not slack.give_back()
    moment = EVERY_S
    assert slack.give_back()
    assert before - resident() > 80_000_000
    assert not slack.give_back()


def test_the_collector_rests_while_a_service_starts_and_then_passes_over_what_is_there() -> None:
    assert gc.isenabled()
    before, thresholds = gc.get_freeze_count(), gc.get_threshold()
    end_start()  # nobody began one
    assert gc.get_freeze_count() == before
    begin_start()
    try:
        assert not gc.isenabled()
        end_start()
        assert gc.isenabled()
        assert gc.get_freeze_count() > before
        assert gc.get_threshold() == (*thresholds[:2], SELDOM)
    finally:
        gc.set_threshold(*thresholds)
        gc.enable()
        gc.unfreeze()
