"""The pieces of the MLM run: draws, batches, the softmax over the vocabulary, dropout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from ltp.backbone.load import Backbone
from ltp.config import MLMConfig
from ltp.drift.batches import PART_TOKENS, build, epoch_order, parts
from ltp.drift.cross_entropy import cut_positions, masked_loss
from ltp.drift.linear import linear
from ltp.drift.masking import BLOCK, Masking, Purpose, candidates, hold_out, rows_read
from ltp.drift.padding import PaddedBatch
from ltp.drift.tokens import Tokens, tokenize
from ltp.training.dropout import SeededDropout

MASK = 7
POOL = np.arange(100, 200, dtype=np.int32)


def _tokens(lengths: list[int], *, seed: int = 0) -> Tokens:
    """Lines of random ids 10-59 between <s> = 0 and </s> = 2."""
    rng = np.random.default_rng(seed)
    lines = [np.concatenate([[0], rng.integers(10, 60, size), [2]]).astype(np.int32) for size in lengths]
    flat = np.concatenate(lines)
    return Tokens(flat, np.concatenate([[0], np.cumsum([len(line) for line in lines])]), flat >= 10)


def _masking(**changes: object) -> Masking:
    return Masking(**{"mask": MASK, "candidates": POOL, "share": 0.15, "seed": 3, **changes})  # type: ignore[arg-type]


def test_the_recipe_is_berts() -> None:
    tokens = _tokens([50] * 8000)
    inputs, predicted = _masking().draw(tokens, Purpose.MASKING)
    assert not predicted[~tokens.maskable].any()
    assert predicted[tokens.maskable].mean() == pytest.approx(0.15, abs=0.002)
    assert np.array_equal(inputs[~predicted], tokens.ids[~predicted])
    before, after = tokens.ids[predicted], inputs[predicted]
    assert (after == MASK).mean() == pytest.approx(0.8, abs=0.005)
    assert (after == before).mean() == pytest.approx(0.1, abs=0.004)
    random = after[(after != MASK) & (after != before)]
    assert set(random.tolist()) == set(POOL.tolist())
    assert np.bincount(random - 100).std() / np.bincount(random - 100).mean() < 0.15


def test_masking_follows_seed_purpose_and_epoch_only() -> None:
    tokens = _tokens([30] * 4000)  # more than one block
    draws = [
        _masking().draw(tokens, Purpose.MASKING, 0),
        _masking().draw(tokens, Purpose.MASKING, 1),
        _masking().draw(tokens, Purpose.VALIDATION, 0),
        _masking(seed=4).draw(tokens, Purpose.MASKING, 0),
    ]
    assert np.array_equal(_masking().draw(tokens, Purpose.MASKING, 0)[0], draws[0][0])
    for first in range(4):
        for second in range(first):
            assert not np.array_equal(draws[first][1], draws[second][1])
    block = BLOCK
    assert not np.array_equal(draws[0][1][:block][: 128000 - block], draws[0][1][block:])
    longer = _masking().draw(_tokens([30] * 5000), Purpose.MASKING, 0)[1]
    assert np.array_equal(longer[:block], draws[0][1][:block])  # a block is drawn alone


def test_masking_is_the_same_on_every_machine() -> None:
    """Numbers written down once: they may change only if every drift ever made is to change."""
    inputs, predicted = _masking(share=0.4).draw(_tokens([12] * 3), Purpose.MASKING)
    assert np.flatnonzero(predicted).tolist() == [1, 4, 8, 10, 12, 17, 20, 21, 34, 35, 37, 38]
    assert inputs[predicted].tolist() == [7, 7, 7, 7, 7, 7, 37, 7, 46, 52, 7, 7]


def test_rows_read_are_those_of_every_epoch() -> None:
    tokens, masking = _tokens([20] * 30), _masking()
    rows = rows_read(masking, tokens, epochs=3, vocabulary=300)
    inputs = [masking.draw(tokens, Purpose.MASKING, epoch)[0] for epoch in range(3)]
    assert rows.tolist() == sorted({int(number) for epoch in inputs for number in epoch})
    assert len(rows) > len(rows_read(masking, tokens, epochs=1, vocabulary=300))


def test_random_tokens_are_pieces_of_the_vocabulary_or_of_the_corpus(tiny_backbone: Backbone) -> None:
    special, size = tiny_backbone.special.ids(), tiny_backbone.tokenizer.get_vocab_size()
    tokens = _tokens([20] * 30)
    everything = candidates(tiny_backbone.tokenizer, tokens, MLMConfig(), special=special)
    assert everything.tolist() == [number for number in range(size) if number not in special]
    used = candidates(tiny_backbone.tokenizer, tokens, MLMConfig(random_tokens="corpus"), special=special)
    assert used.tolist() == sorted(set(tokens.ids[tokens.maskable].tolist()))


def test_lines_become_tokens(tiny_backbone: Backbone) -> None:
    lines = ["the dog", "", "  ", "a <unk> cat <pad> is <mask>", "the " * 40]
    reports: list[int] = []
    tokens = tokenize(
        tiny_backbone.tokenizer, lines, special=tiny_backbone.special.ids(), pad=1, max_length=12, report=reports.append
    )
    pieces = [tiny_backbone.tokenizer.id_to_token(number) for number in tokens.ids]
    assert pieces[:4] == ["<s>", "▁the", "▁dog", "</s>"]
    assert "<pad>" not in pieces
    assert len(tokens.lengths) == 3
    assert pieces[-12:] == ["<s>", *["▁the"] * 10, "</s>"]
    for piece, maskable in zip(pieces, tokens.maskable, strict=True):
        assert maskable == (piece not in ("<s>", "</s>", "<unk>", "<mask>"))
    assert reports == [5]


@settings(max_examples=60, deadline=None)
@given(count=st.integers(2, 300), share=st.floats(0.01, 0.99), seed=st.integers(0, 9))
def test_the_split_keeps_every_line_once(count: int, share: float, seed: int) -> None:
    tokens = _tokens(list(range(1, count + 1)))
    train, held = hold_out(tokens, MLMConfig(holdout=share, seed=seed))
    assert len(held.lengths) == min(max(round(share * count), 1), count - 1)
    assert sorted([*train.lengths.tolist(), *held.lengths.tolist()]) == list(range(3, count + 3))
    for part in (train, held):
        for index, length in enumerate(part.lengths):
            start = tokens.offsets[length - 3]
            assert np.array_equal(
                part.ids[part.offsets[index] : part.offsets[index + 1]], tokens.ids[start : start + length]
            )


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 3000), size=st.integers(1, 40), epoch=st.integers(0, 2))
def test_an_epoch_deals_every_line_once(count: int, size: int, epoch: int) -> None:
    lengths = np.random.default_rng(count).integers(3, 100, count)
    order = epoch_order(lengths, size, seed=1, epoch=epoch)
    assert sorted(np.concatenate(order).tolist()) == list(range(count))
    assert sorted(map(len, order), reverse=True)[: count // size] == [size] * (count // size)
    assert len(order) == -(-count // size)


def test_batches_hold_lines_of_like_length_in_another_order_each_epoch() -> None:
    lengths = np.random.default_rng(0).integers(5, 80, 6400)
    order = epoch_order(lengths, 32, seed=0, epoch=0)
    padded = sum(int(lengths[lines].max()) * len(lines) for lines in order)
    assert lengths.sum() / padded > 0.95
    assert [lines.tolist() for lines in order] != [
        lines.tolist() for lines in epoch_order(lengths, 32, seed=0, epoch=1)
    ]
    firsts = [int(lengths[lines[0]]) for lines in order]
    assert np.corrcoef(firsts, np.arange(len(firsts)))[0, 1] < 0.3  # not from short to long


@settings(max_examples=60, deadline=None)
@given(lengths=st.lists(st.integers(3, 512), min_size=1, max_size=80))
def test_parts_are_bounded_and_complete(lengths: list[int]) -> None:
    sizes = np.array(lengths)
    cut = list(parts(np.arange(len(sizes)), sizes))
    assert sorted(np.concatenate(cut).tolist()) == list(range(len(sizes)))
    assert all(len(part) * sizes[part].max() <= PART_TOKENS for part in cut)


def test_a_batch_says_where_everything_lies() -> None:
    tokens = _tokens([4, 9, 2, 9])
    inputs, predicted = _masking(share=0.4).draw(tokens, Purpose.MASKING)
    lines = np.array([1, 2, 3])
    table = np.arange(300)[::-1].copy()
    batch = build(tokens, inputs, predicted, lines, table=table, pad=1, device="cpu")
    flat = np.concatenate([np.arange(tokens.offsets[line], tokens.offsets[line + 1]) for line in lines])
    assert batch.ids.tolist() == table[inputs[flat]].tolist()
    assert batch.positions.tolist() == [*range(2, 13), *range(2, 6), *range(2, 13)]
    assert (batch.size, batch.longest) == (3, 11)
    assert batch.cells is not None
    assert batch.keys is not None
    assert batch.cells.tolist() == [*range(11), *range(11, 15), *range(22, 33)]
    assert batch.keys.flatten(1).sum(1).tolist() == [11, 4, 11]
    assert batch.mask.tolist() == np.flatnonzero(predicted[flat]).tolist()
    assert batch.targets.tolist() == tokens.ids[flat][predicted[flat]].tolist()
    owner = np.repeat([0, 1, 2], [11, 4, 11])[batch.mask.numpy()]
    assert (batch.query_cells // batch.queries).tolist() == owner.tolist()
    assert len(set(batch.query_cells.tolist())) == len(batch.targets)


@settings(max_examples=60, deadline=None)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6), heads=st.sampled_from([1, 3]))
def test_a_grid_pads_and_packs_without_a_trace(lengths: list[int], heads: int) -> None:
    width, size, longest = 2 * heads, len(lengths), max(lengths)
    cells = torch.tensor([line * longest + place for line, length in enumerate(lengths) for place in range(length)])
    grid = PaddedBatch.of(cells, lines=size, width=longest, heads=heads)
    packed = torch.randn(len(cells), width, requires_grad=True)
    padded = grid.spread(packed)
    plain = torch.zeros(size * longest, width).index_copy(0, cells, packed.detach())
    plain = plain.view(size, longest, heads, 2).transpose(1, 2).flatten(0, 1)  # (B x heads, T, d)
    real = torch.zeros(size * longest, 1).index_fill(0, cells, 1.0).view(size, 1, longest, 1)
    real = real.expand(-1, heads, -1, 2).flatten(0, 1)
    assert torch.equal(padded.detach() * real, plain)
    assert torch.equal(grid.pick(padded, width=width), packed)
    weights = torch.randn_like(padded)
    (padded * weights * real).sum().backward()  # nothing comes back from padding
    assert torch.equal(packed.grad, grid.pick(weights, width=width))
    apart = padded.detach().requires_grad_()
    grid.pick(apart, width=width).sum().backward()
    assert torch.equal(apart.grad, real)


SMALL = {"chunk": 37, "block": 4}


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("spread", [1.0, 60.0])  # with 60, a running maximum is needed: exp(60 * 3) overflows
def test_the_loss_is_the_cross_entropy_over_the_vocabulary(*, tied: bool, spread: float) -> None:
    torch.manual_seed(0)
    features, decoder, bias = torch.randn(11, 8) * spread, torch.randn(150, 8), torch.randn(150)
    targets = torch.randint(0, 150, (11,))
    mine = [tensor.clone().requires_grad_(grad) for tensor, grad in ((features, True), (decoder, tied), (bias, True))]
    plain = [tensor.double().requires_grad_() for tensor in (features, decoder, bias)]
    mine[1].grad = torch.ones_like(decoder) if tied else None  # of something else, which is added to
    loss = masked_loss(*mine, targets, dtype=torch.float32, weight=0.3, to_decoder=mine[1].grad, **SMALL)
    reference = 0.3 * F.cross_entropy(plain[0] @ plain[1].T + plain[2], targets, reduction="sum")
    loss.backward()
    reference.backward()
    assert loss.item() == pytest.approx(reference.item(), rel=1e-5)
    for tensor, expected, before in zip(mine, plain, (0, 1, 0), strict=True):
        if tensor.requires_grad:
            torch.testing.assert_close(tensor.grad - before, expected.grad.float(), rtol=1e-4, atol=1e-5 * spread)
    with torch.no_grad():
        scored = masked_loss(*mine, targets, dtype=torch.float32, weight=0.3)
    assert float(scored) == pytest.approx(reference.item(), rel=1e-5)


class _Allocations(TorchDispatchMode):
    """Notes the memory of every tensor that an operation makes; views have none of their own."""

    def __init__(self, *known: torch.Tensor) -> None:
        super().__init__()
        self.known = {each.untyped_storage().data_ptr() for each in known}
        self.sizes: list[int] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        for each in result if isinstance(result, tuple | list) else [result]:
            if isinstance(each, torch.Tensor) and each.untyped_storage().data_ptr() not in self.known:
                self.sizes.append(each.untyped_storage().nbytes())
        return result


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_loss_makes_nothing_as_large_as_the_decoder(dtype: torch.dtype, *, tied: bool) -> None:
    """Neither its logits (M, V) nor a gradient (V, H) beside the one that is added to, or another precision of it."""
    rows, hidden, asked, chunk = 6000, 64, 40, 100
    decoder, bias = torch.randn(rows, hidden), torch.zeros(rows, requires_grad=True)
    decoder = decoder.requires_grad_() if tied else decoder.to(dtype)
    decoder.grad = torch.zeros_like(decoder) if tied else None
    features, targets = torch.randn(asked, hidden, requires_grad=True), torch.randint(0, rows, (asked,))
    known = [decoder, *([decoder.grad] if tied else [])]
    with _Allocations(*known) as made:
        masked_loss(features, decoder, bias, targets, dtype=dtype, to_decoder=decoder.grad, chunk=chunk).backward()
    assert max(made.sizes) <= 4 * max(chunk * max(asked, hidden), rows)
    assert not tied or bool(decoder.grad.any(1).all())  # every row's gradient was reached all the same


def test_the_loss_in_bf16_is_near() -> None:
    torch.manual_seed(0)
    features, decoder, bias = torch.randn(9, 64, requires_grad=True), torch.randn(500, 64) * 0.1, torch.zeros(500)
    targets = torch.randint(0, 500, (9,))
    loss = masked_loss(features, decoder.bfloat16(), bias, targets, dtype=torch.bfloat16)
    loss.backward()
    exact = features.detach().clone().requires_grad_()
    reference = F.cross_entropy(exact @ decoder.T, targets, reduction="sum")
    reference.backward()
    assert loss.item() == pytest.approx(reference.item(), rel=0.01)
    torch.testing.assert_close(features.grad, exact.grad, rtol=0.05, atol=0.01)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_zeroes_its_share_and_scales_the_rest(rate: float) -> None:
    tokens = torch.ones(401, 333, requires_grad=True)
    noise = SeededDropout(5, torch.device("cpu"))
    dropped, again = noise.drop(tokens, rate), noise.drop(tokens, rate)
    assert float((dropped == 0).float().mean()) == pytest.approx(rate, abs=0.005)
    assert set(dropped.unique().tolist()) == {0.0, float(torch.tensor(1.0) * (1 / (1 - rate)))}
    assert not torch.equal(dropped, again)
    assert torch.equal(SeededDropout(5, torch.device("cpu")).drop(tokens, rate), dropped)
    dropped.sum().backward()
    assert torch.equal(tokens.grad, dropped.detach())
    assert SeededDropout(5, torch.device("cpu")).drop(tokens, 0.0) is tokens


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (4, [4]), (5, [3, 2]), (9, [3, 3, 3]), (11, [4, 4, 3])])
def test_positions_are_dealt_into_few_blocks_of_like_size(count: int, sizes: list[int]) -> None:
    blocks = list(cut_positions(torch.arange(float(count))[:, None], torch.arange(count), block=4))
    assert [len(targets) for _, targets in blocks] == sizes
    assert torch.equal(torch.cat([targets for _, targets in blocks]), torch.arange(count))
    assert all(torch.equal(features.squeeze(1), targets.float()) for features, targets in blocks)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_linear_layer_adds_to_the_gradient_that_is_there(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    given = torch.randn(7, 5), torch.randn(3, 5), torch.randn(3)
    tokens, weight, bias = (each.clone().requires_grad_() for each in given)
    weight.grad = torch.ones_like(weight)
    kept = weight.grad
    plain = [each.clone().requires_grad_() for each in given]
    for _ in range(2):  # parts of a batch
        linear(tokens, weight, bias, dtype=dtype).float().square().sum().backward()
        F.linear(*plain).square().sum().backward()
    assert weight.grad is kept
    exact = {} if dtype == torch.float32 else {"rtol": 0.05, "atol": 0.3}
    torch.testing.assert_close(weight.grad - 1, plain[1].grad, **exact)
    torch.testing.assert_close([tokens.grad, bias.grad], [plain[0].grad, plain[2].grad], **exact)
    frozen = given[1].clone()
    assert torch.equal(linear(given[0], frozen, given[2], dtype=torch.float32), F.linear(*given))
