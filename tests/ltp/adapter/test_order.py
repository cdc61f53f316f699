"""Which batch takes which examples."""

from __future__ import annotations

import pytest

from ltp.adapter.order import epoch_batches
from ltp.config import Order

LENGTHS = [9 + (7 * number) % 50 for number in range(203)]


@pytest.mark.parametrize("order", ["shuffled", "by_length"])
def test_every_example_is_taken_once_a_pass(order: Order) -> None:
    batches = epoch_batches(LENGTHS, 16, order=order, seed=1, purpose=1, epoch=2)
    assert sorted(index for batch in batches for index in batch) == list(range(203))
    assert sorted(map(len, batches)) == [11] + [16] * 12


@pytest.mark.parametrize("order", ["shuffled", "by_length"])
def test_a_pass_follows_seed_and_epoch(order: Order) -> None:
    first, again, other, next_pass = (
        epoch_batches(LENGTHS, 16, order=order, seed=seed, purpose=1, epoch=epoch)
        for seed, epoch in ((1, 0), (1, 0), (2, 0), (1, 1))
    )
    assert first == again
    assert first != other
    assert first != next_pass


def test_batches_by_length_hold_texts_of_like_length_in_random_order() -> None:
    batches = epoch_batches(LENGTHS, 16, order="by_length", seed=1, purpose=1, epoch=0)
    spreads = [max(lengths) - min(lengths) for lengths in ([LENGTHS[index] for index in batch] for batch in batches)]
    assert max(spreads) <= 6
    longest = [max(LENGTHS[index] for index in batch) for batch in batches]
    assert longest not in (sorted(longest), sorted(longest, reverse=True))
