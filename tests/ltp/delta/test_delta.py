"""The delta: encoding loses what it says and no more, applying and reverting leave no trace, misfits are refused."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.in_place import apply
from support.synthetic import random_changes, random_ticket

from ltp.backbone.architecture import POSITION_EMBEDDINGS, WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.delta.delta import Delta, encode, scale_exponent
from ltp.delta.fuse import fuse, positions_in
from ltp.errors import DeltaDoesNotFitTicket, NonFiniteWeights
from ltp.model.encoder import look_up
from ltp.ticket.mask import active_in_rows

NAME = "roberta.encoder.layer.0.output.dense.bias"
K = 32


@pytest.fixture(scope="module")
def ticket(tiny_backbone: Backbone):
    return random_ticket(tiny_backbone, 0.3)


@pytest.fixture(scope="module")
def one(tiny_backbone: Backbone):
    """A ticket of one tensor, all of its 32 entries active."""
    return random_ticket(tiny_backbone, 1.0, only=NAME)


def through(one, values: np.ndarray, dtype: str) -> np.ndarray:
    return encode({NAME: torch.from_numpy(values)}, one, dtype=dtype).decode(NAME).numpy()


halves = hnp.arrays(np.float16, K, elements=st.floats(allow_nan=False, allow_infinity=False, width=16))
floats = hnp.arrays(np.float32, K, elements=st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False))


@given(halves, st.integers(-90, 90))
def test_what_fp16_can_hold_under_a_power_of_two_survives_exactly(one, values: np.ndarray, power: int) -> None:
    scaled = values.astype(np.float32) * np.float32(2.0**power)
    assert np.array_equal(through(one, scaled, "fp16"), scaled)


@given(floats)
def test_otherwise_the_error_is_half_a_unit_of_fp16_under_the_tensors_scale(one, values: np.ndarray) -> None:
    exact = values.astype(np.float64)
    error = np.abs(through(one, values, "fp16").astype(np.float64) - exact)
    smallest = 2.0 ** (-25 - scale_exponent(float(np.abs(values).max())))
    assert (error <= np.maximum(np.abs(exact) * 2.0**-11, smallest)).all()


@given(hnp.arrays(np.float32, K, elements=st.floats(allow_nan=False, allow_infinity=False, width=32)))
def test_fp32_survives_exactly(one, values: np.ndarray) -> None:
    assert np.array_equal(through(one, values, "fp32").view(np.int32), values.view(np.int32))


@given(st.floats(1e-30, 1e30))
def test_the_scale_is_the_largest_that_stays_finite(largest: float) -> None:
    exponent = scale_exponent(largest)
    assert np.isfinite(np.float64(largest * 2.0**exponent).astype(np.float16))
    with np.errstate(over="ignore"):
        assert np.isinf(np.float64(largest * 2.0 ** (exponent + 1)).astype(np.float16))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_is_refused_by_name(one, bad: float) -> None:
    values = torch.zeros(K)
    values[7] = bad
    with pytest.raises(NonFiniteWeights, match=NAME):
        encode({NAME: values}, one)


def test_embedding_rows_that_did_not_move_are_not_stored(tiny_backbone: Backbone, ticket) -> None:
    changes = random_changes(ticket)
    owner = ticket.positions(WORD_EMBEDDINGS) // tiny_backbone.info.hidden
    changes[WORD_EMBEDDINGS][(owner != 7) & (owner != 200)] = 0
    delta = encode(changes, ticket, dtype="fp32")

    assert delta.rows[WORD_EMBEDDINGS].tolist() == [7, 200]
    kept = changes[WORD_EMBEDDINGS][(owner == 7) | (owner == 200)]
    assert torch.equal(delta.decode(WORD_EMBEDDINGS), kept)
    assert torch.equal(
        positions_in(delta, ticket, WORD_EMBEDDINGS), ticket.positions(WORD_EMBEDDINGS)[(owner == 7) | (owner == 200)]
    )
    rows = torch.tensor([3, 7, 200, 201])
    assert_equal(
        delta,
        encode(
            {**changes, WORD_EMBEDDINGS: within(ticket, changes, rows)},
            ticket,
            rows={WORD_EMBEDDINGS: rows},
            dtype="fp32",
        ),
    )


def within(ticket, changes, rows: torch.Tensor) -> torch.Tensor:
    owner = ticket.positions(WORD_EMBEDDINGS) // ticket.shapes[WORD_EMBEDDINGS][1]
    return changes[WORD_EMBEDDINGS][torch.isin(owner, rows)]


def assert_equal(first: Delta, second: Delta) -> None:
    assert first.exponents == second.exponents
    assert list(first.values) == list(second.values)
    assert all(torch.equal(first.values[name], second.values[name]) for name in first.values)
    assert all(torch.equal(first.rows[name], second.rows[name]) for name in first.rows)


@settings(max_examples=30)
@given(st.integers(0, 2**20), st.floats(0.001, 1))
def test_bits_of_rows_agree_with_the_positions(tiny_backbone: Backbone, seed: int, ratio: float) -> None:
    ticket = random_ticket(tiny_backbone, ratio, seed=seed, only=POSITION_EMBEDDINGS)
    rows = torch.from_numpy(np.random.default_rng(seed).choice(514, 40, replace=False)).sort().values
    row, column = np.nonzero(active_in_rows(ticket, POSITION_EMBEDDINGS, rows))
    found = rows.numpy()[row] * tiny_backbone.info.hidden + column
    positions = ticket.positions(POSITION_EMBEDDINGS).numpy()
    assert np.array_equal(found, positions[np.isin(positions // tiny_backbone.info.hidden, rows.numpy())])
    assert ticket.counts[POSITION_EMBEDDINGS] == len(positions)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**20), st.sampled_from(["int8", "fp16", "fp32"]))
def test_applying_and_reverting_leaves_no_trace(tiny_backbone: Backbone, seed: int, dtype: str) -> None:
    ticket = random_ticket(tiny_backbone, 0.2, seed=seed)
    delta = encode(random_changes(ticket, seed=seed), ticket, dtype=dtype)
    model = copy.deepcopy(tiny_backbone.model)
    applied = apply(model, delta, ticket)

    for name, pristine in tiny_backbone.parameters.items():
        moved = (model.get_parameter(name) != pristine).flatten().nonzero().squeeze(1)
        active = ticket.positions(name) if name in ticket.masks else torch.empty(0, dtype=torch.int64)
        assert torch.isin(moved, active).all(), name
        assert len(moved) >= 0.9 * len(active) - 1, name  # of codes, a block's smallest value may be 0
    applied.revert()
    for name, pristine in tiny_backbone.parameters.items():
        assert torch.equal(bits(model.get_parameter(name)), bits(pristine)), name


def bits(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().contiguous().view(torch.int32)


@pytest.mark.parametrize("dtype", ["int8", "fp16", "fp32"])
def test_fusing_copies_gives_the_bits_of_applying_in_place(tiny_backbone: Backbone, ticket, dtype: str) -> None:
    before = {name: tensor.clone() for name, tensor in tiny_backbone.parameters.items()}
    delta = encode(random_changes(ticket), ticket, dtype=dtype)
    changed, overlay = fuse(tiny_backbone.parameters, delta, ticket)
    model = copy.deepcopy(tiny_backbone.model)
    apply(model, delta, ticket)

    everything = torch.arange(tiny_backbone.info.vocabulary)
    changed[WORD_EMBEDDINGS] = look_up(tiny_backbone.parameters[WORD_EMBEDDINGS], overlay, everything)
    assert sorted(changed) == sorted(ticket.masks)
    for name, tensor in changed.items():
        assert torch.equal(bits(tensor), bits(model.get_parameter(name))), name
    for name, tensor in before.items():
        assert torch.equal(bits(tensor), bits(tiny_backbone.parameters[name])), name


def test_tensors_that_did_not_move_are_not_copied(tiny_backbone: Backbone, ticket) -> None:
    changes = {name: torch.zeros_like(values) for name, values in random_changes(ticket).items()}
    changes[NAME][0] = 1e-3
    changed, overlay = fuse(tiny_backbone.parameters, encode(changes, ticket), ticket)
    assert list(changed) == [NAME]
    assert overlay is None


def test_a_delta_of_another_ticket_is_refused(tiny_backbone: Backbone, ticket) -> None:
    delta = encode(random_changes(ticket), ticket)
    other, fewer = random_ticket(tiny_backbone, 0.3, seed=9), random_ticket(tiny_backbone, 0.3, only=NAME)
    for stranger in (other, fewer):
        with pytest.raises(DeltaDoesNotFitTicket):
            delta.check(stranger)
        with pytest.raises(DeltaDoesNotFitTicket):
            apply(copy.deepcopy(tiny_backbone.model), delta, stranger)


@pytest.mark.parametrize("rows", [[5, 4], [4, 4], [-1, 4], [4, 10**6]])
def test_rows_that_cannot_be_are_refused(tiny_backbone: Backbone, ticket, rows: list[int]) -> None:
    delta = encode(random_changes(ticket), ticket)
    broken = Delta(delta.values, delta.exponents, {**delta.rows, WORD_EMBEDDINGS: torch.tensor(rows)})
    with pytest.raises(DeltaDoesNotFitTicket, match="rows"):
        broken.check(ticket)


def test_changes_that_do_not_count_up_are_refused(ticket) -> None:
    for name in (NAME, WORD_EMBEDDINGS):
        changes = random_changes(ticket)
        changes[name] = changes[name][:-1]
        with pytest.raises(DeltaDoesNotFitTicket, match=name):
            encode(changes, ticket)
