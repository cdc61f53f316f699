"""int8 codes: near what they stand for, the same bits for whoever decodes them, and little more than a byte each."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.synthetic import random_changes, random_ticket

from ltp.backbone.architecture import WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.delta.codes import BLOCK, LARGEST_CODE, blocks_of, each_scale, quantised
from ltp.delta.delta import encode
from ltp.errors import DeltaDoesNotFitTicket

LARGEST = 65504 * LARGEST_CODE
ROUNDING = 1 + 1e-4
"""Of the quotient that is rounded to a code."""
values_of_any_size = hnp.arrays(
    np.float32, st.integers(0, 3 * BLOCK), elements=st.floats(-LARGEST, LARGEST, width=32, allow_subnormal=False)
)


@given(values_of_any_size)
def test_no_value_is_off_by_more_than_half_its_scale_and_zero_stays_zero(values: np.ndarray) -> None:
    codes, scales = quantised(torch.from_numpy(values))
    assert (codes.dtype, scales.dtype, len(scales)) == (torch.int8, torch.float16, blocks_of(len(values)))
    each = each_scale(scales, len(values)).double()
    off = (codes.double() * each - torch.from_numpy(values).double()).abs()
    assert (off <= each / 2 * ROUNDING).all()
    assert not codes[torch.from_numpy(values == 0)].any()
    assert (codes >= -LARGEST_CODE).all()


@given(st.integers(0, 2**16), st.integers(-60, 60))
def test_a_code_times_its_scale_is_exact(seed: int, power: int) -> None:
    """So it does not matter in which order, or with which rounding, a processor multiplies."""
    drawn = torch.from_numpy(np.random.default_rng(seed).normal(size=100).astype(np.float32)) * 2.0**power
    codes, scales = quantised(drawn.clamp(-LARGEST, LARGEST))
    each = each_scale(scales, len(codes))
    assert torch.equal((codes.float() * each).double(), codes.double() * each.double())


def test_the_same_values_make_the_same_codes_wherever_they_stand(tiny_backbone: Backbone) -> None:
    ticket = random_ticket(tiny_backbone, 0.2)
    changes = random_changes(ticket)
    changes[WORD_EMBEDDINGS][: len(changes[WORD_EMBEDDINGS]) // 2] = 0
    delta, again = (encode(changes, ticket, dtype="int8") for _ in range(2))
    for name, codes in delta.values.items():
        assert torch.equal(codes, again.values[name])
        assert torch.equal(delta.scales[name], again.scales[name])
        exact = changes[name] if name not in delta.rows else changes[name][-len(codes) :]
        half = each_scale(delta.scales[name], len(codes)) * 2.0 ** -delta.exponents[name] / 2
        assert ((delta.decode(name) - exact).abs() <= half * ROUNDING).all()
        places = torch.tensor([0, len(codes) - 1, len(codes) // 2])
        some = delta.some(name, places) * 2.0 ** -delta.exponents[name]
        assert torch.equal(some, delta.decode(name)[places])


def test_a_value_takes_little_more_than_a_byte(tiny_backbone: Backbone) -> None:
    delta = encode(random_changes(ticket := random_ticket(tiny_backbone, 0.2)), ticket, dtype="int8")
    stored = sum(values.nbytes + delta.scales[name].nbytes for name, values in delta.values.items())
    assert sum(map(len, delta.values.values())) == ticket.active
    assert stored <= 1.035 * ticket.active + 2 * len(delta.values)


@pytest.mark.parametrize("count", [0, 1, -1])
def test_scales_that_do_not_count_up_are_refused(tiny_backbone: Backbone, count: int) -> None:
    ticket = random_ticket(tiny_backbone, 0.3)
    delta = encode(random_changes(ticket), ticket, dtype="int8" if count else "fp16")
    name = max(delta.values, key=lambda each: len(delta.values[each]))
    scales = delta.scales | {name: delta.scales[name][:count] if count else torch.ones(1).half()}
    with pytest.raises(DeltaDoesNotFitTicket, match="scales"):
        replace(delta, scales=scales).check(ticket)
