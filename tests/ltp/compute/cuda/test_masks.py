"""Masks on a device, and what is put together there, in the plain form that a CPU runs, too."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import torch

from ltp.compute.cuda.adding import fuse_there, in_one_launch
from ltp.compute.cuda.by_identity import ByIdentity
from ltp.compute.cuda.masks import BLOCK, counted, places, uploaded
from ltp.compute.cuda.products import ROWS, tiles
from ltp.compute.fuse_task import FuseTask

CPU = torch.device("cpu")


@pytest.mark.parametrize("size", [1, BLOCK // 8, 3 * BLOCK // 8 + 5])
@pytest.mark.device
def test_a_masks_places_are_those_of_its_bits(size: int, device: str) -> None:
    mask = np.random.default_rng(size).integers(0, 256, size, np.uint8)
    wanted = np.flatnonzero(np.unpackbits(mask, bitorder="little"))
    found = places(mask, len(wanted), torch.device(device))
    assert found.dtype == torch.int64
    assert np.array_equal(found.cpu().numpy(), wanted)
    first = counted(uploaded(mask, torch.device(device)).bits)
    assert first.tolist() == [int((wanted < stop).sum()) for stop in range(0, 8 * size + BLOCK, BLOCK)]


def test_what_was_computed_of_an_array_goes_when_the_array_goes() -> None:
    known: ByIdentity[np.ndarray, int] = ByIdentity()
    one, equal = np.zeros(3), np.zeros(3)
    made: list[int] = []

    def make(_: np.ndarray) -> int:
        made.append(len(made))
        return made[-1]

    assert [known.of(thing, make) for thing in (one, equal, one, equal)] == [0, 1, 0, 1]
    del one
    gc.collect()
    assert len(known) == 1


def task(seed: int) -> FuseTask:
    values = torch.full((8,), float(seed))
    return FuseTask(torch.zeros(8), torch.ones(8), values, 0, np.array([255], np.uint8))


def test_what_is_put_off_is_fused_at_the_end_and_what_failed_is_not() -> None:
    first, second, third = task(1), task(2), task(3)
    with in_one_launch():
        fuse_there([first])
        with in_one_launch():
            fuse_there([second])
        assert not first.buffer.any()
        assert not second.buffer.any()
    assert (first.buffer[0], second.buffer[0]) == (2, 3)

    def failing() -> None:
        with in_one_launch():
            fuse_there([third])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert not third.buffer.any()
    fuse_there([third])
    assert third.buffer[0] == 4


def test_tiles_cover_every_row_once_with_its_own_weight() -> None:
    starts, stops = np.array([0, 3, 3 + ROWS]), np.array([3, 3 + ROWS, 5 + 3 * ROWS])
    addresses = np.arange(12).reshape(3, 2, 2) + 100  # (E, U, 2)
    table = tiles(starts, stops, addresses)
    assert table.shape == (2, 5, 4)
    for unit in range(2):
        rows = [(row, tuple(tile[:2])) for tile in table[unit].tolist() for row in range(tile[2], tile[3])]
        assert rows == [
            (row, tuple(addresses[edge, unit].tolist()))
            for edge in range(3)
            for row in range(starts[edge], stops[edge])
        ]
        assert (table[unit, :, 3] - table[unit, :, 2]).max() <= ROWS
