"""How a batch is shared among processes, and that dropout does not notice."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from ltp.drift.batches import parts
from ltp.drift.shares import Share, ShareDropout, Whole, shares
from ltp.drift.tokens import Tokens
from ltp.training.dropout import SeededDropout

LENGTHS = st.lists(st.integers(3, 60), min_size=1, max_size=40)


@given(LENGTHS, st.integers(1, 5), st.integers(60, 400))
def test_every_line_falls_to_one_process_and_they_have_like_many_tokens(
    lengths: list[int], ranks: int, tokens: int
) -> None:
    sizes = np.array(lengths)
    cut = list(parts(np.arange(len(sizes)), sizes, tokens=tokens))
    dealt = [list(shares(cut, sizes, rank=rank, ranks=ranks)) for rank in range(ranks)]
    lines = [line for mine in dealt for share in mine for line in share.lines]
    assert lines == [line for part in cut for line in part]
    loads = [sum(int(sizes[share.lines].sum()) for share in mine) for mine in dealt]
    assert all(abs(load - sum(loads) / ranks) <= max(lengths) for load in loads)
    assert ranks > 1 or all(share.is_whole for share in dealt[0])


@given(LENGTHS, st.integers(0, 1 << 30))
def test_a_share_drops_what_the_whole_part_would_drop_of_it(lengths: list[int], seed: int) -> None:
    heads, hidden, chance = 2, 3, np.random.default_rng(seed)
    sizes = np.array(sorted(lengths, reverse=True))
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    predicted = chance.random(offsets[-1]) < 0.3
    predicted[offsets[:-1]] = predicted[offsets[1:] - 1] = False  # `<s>` and `</s>` never are
    until = np.concatenate([[0], np.cumsum(predicted)])
    masked = np.diff(until[offsets])
    first = int(chance.integers(len(sizes)))
    stop = int(chance.integers(first, len(sizes))) + 1
    share = Share(0, np.arange(len(sizes)), first, stop)
    whole = Whole.of(share, Tokens(np.zeros(offsets[-1], np.int32), offsets, predicted), predicted)

    tokens, asked = slice(offsets[first], offsets[stop]), slice(until[offsets[first]], until[offsets[stop]])
    lines, here, longest = slice(first * heads, stop * heads), int(sizes[first]), int(sizes[0])
    queries, queries_here = max(1, int(masked.max())), max(1, int(masked[first:stop].max()))
    everything, some = SeededDropout(7, torch.device("cpu")), ShareDropout(7, torch.device("cpu"), whole)
    for shape, own in (
        ((int(offsets[-1]), hidden), (tokens,)),
        ((len(sizes) * heads, longest, longest), (lines, slice(here), slice(here))),
        ((int(until[-1]), hidden), (asked,)),
        ((len(sizes) * heads, queries, longest), (lines, slice(queries_here), slice(here))),
    ):
        expected = everything.drop(torch.ones(shape), 0.5)[own]
        assert torch.equal(some.drop(torch.ones_like(expected), 0.5), expected)


def test_a_rate_of_nothing_draws_nothing() -> None:
    share = Share(0, np.arange(2), 0, 1)
    predicted = np.array([False, True, False, False, True, False])
    whole = Whole.of(share, Tokens(np.zeros(6, np.int32), np.array([0, 3, 6]), predicted), predicted)
    noise, tokens = ShareDropout(7, torch.device("cpu"), whole), torch.ones(3, 4)
    assert noise.drop(tokens, 0.0) is tokens
    assert torch.equal(noise.drop(tokens, 0.5), SeededDropout(7, torch.device("cpu")).drop(torch.ones(6, 4), 0.5)[:3])
