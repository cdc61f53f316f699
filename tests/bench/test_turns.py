"""Two sides of a comparison take turns, each in a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from bench.turns import take_turns

HERE = "tests.bench.test_turns"


def counting(begin: float) -> Iterator[float]:
    yield 0.0
    while True:
        sys.stdout.write("a library may print\n")
        yield begin
        begin += 1


def process(begin: float) -> Iterator[float]:
    yield 0.0
    while True:
        yield float(os.getpid())


@pytest.mark.process
def test_two_sides_take_turns_in_processes_of_their_own() -> None:
    taken = take_turns(f"{HERE}:counting", f"{HERE}:process", turns=2, begin=5)
    assert [first for first, _ in taken] == [6.0, 7.0], "the warm-up does not count"
    assert len({second for _, second in taken}) == 1
    assert taken[0][1] != os.getpid()


@pytest.mark.process
def test_a_side_that_fails_ends_the_comparison() -> None:
    with pytest.raises(RuntimeError, match="before its turn"):
        take_turns(f"{HERE}:nothing", f"{HERE}:process", turns=1, begin=5)
