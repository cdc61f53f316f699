"""Lines longer than an example may be: split into windows, held out whole, counted, and cut only where asked to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltp.backbone.load import Backbone
from ltp.config import MLMConfig, TicketConfig
from ltp.drift.masking import hold_out
from ltp.drift.reading import read_corpus
from ltp.drift.tokens import Tokens
from ltp.drift.train import train_drift
from ltp.ticket.selection import select

SENTENCE = "the dog was eating bread in the house."
DOCUMENT = " ".join([SENTENCE] * 30)


def read(backbone: Backbone, lines: list[str], **config: Any) -> tuple[Tokens, dict[str, Any]]:
    return read_corpus(backbone, lines, MLMConfig(max_length=64, **config), lambda _: None)


def test_a_document_a_line_is_read_whole(tiny_backbone: Backbone) -> None:
    lines = [DOCUMENT, SENTENCE, DOCUMENT]
    tokens, losses = read(tiny_backbone, lines)
    sentence = len(tiny_backbone.tokenizer.encode(SENTENCE, add_special_tokens=False).ids)
    assert len(tokens.ids) - 2 * len(tokens.lengths) == sentence * 61
    assert losses["truncated"] == 0
    assert losses["warnings"] == []
    assert losses["long_lines"] == {"split": 2, "examples": len(tokens.lengths), "tokens_cut": 0, "share": 0.0}
    assert tokens.line_of is not None
    assert sorted(set(tokens.line_of.tolist())) == [0, 1, 2]
    assert int(tokens.lengths.max()) <= 64


def test_cut_lines_lose_their_ends_and_it_is_said_how_much(tiny_backbone: Backbone) -> None:
    tokens, losses = read(tiny_backbone, [DOCUMENT, SENTENCE, DOCUMENT], long_lines="cut")
    whole = sum(len(tiny_backbone.tokenizer.encode(line).ids) for line in (DOCUMENT, SENTENCE, DOCUMENT))
    assert losses["long_lines"]["tokens_cut"] == whole - len(tokens.ids)
    assert losses["long_lines"]["share"] == pytest.approx(1 - len(tokens.ids) / whole, abs=1e-6)
    assert "2 of 3 lines of the corpus are longer than 64 tokens (max_length) and were cut" in losses["warnings"][0]
    assert "long_lines split" in losses["warnings"][0]


def test_what_cannot_be_split_is_cut_and_counted(tiny_backbone: Backbone) -> None:
    _, losses = read(tiny_backbone, ["q" * 500, SENTENCE, DOCUMENT])
    assert losses["truncated"] == 1
    assert losses["long_lines"]["tokens_cut"] == len(tiny_backbone.tokenizer.encode("q" * 500).ids) - 64
    assert "no sentence end and no blank within 64 tokens" in losses["warnings"][0]


def test_short_lines_are_read_alike_split_or_cut(tiny_backbone: Backbone) -> None:
    lines = [SENTENCE, "a cat", "  ", "the bird was singing?"] * 5
    split, cut = (read(tiny_backbone, lines, long_lines=way)[0] for way in ("split", "cut"))
    assert np.array_equal(split.ids, cut.ids)
    assert np.array_equal(split.offsets, cut.offsets)
    assert split.line_of is None
    for one, other in zip(hold_out(split, MLMConfig(seed=3)), hold_out(cut, MLMConfig(seed=3)), strict=True):
        assert np.array_equal(one.ids, other.ids)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=40), st.floats(0.01, 0.99), st.integers(0, 5))
def test_the_examples_of_a_line_are_on_one_side(sizes: list[int], share: float, seed: int) -> None:
    line_of = np.repeat(np.arange(len(sizes)), sizes)
    count = len(line_of)
    flat = np.arange(2 * count, dtype=np.int32)  # two tokens an example, which tell it
    tokens = Tokens(flat, np.arange(0, 2 * count + 1, 2), np.ones(2 * count, np.bool_), line_of=line_of)
    train, held = hold_out(tokens, MLMConfig(holdout=share, seed=seed))
    target = min(max(round(share * count), 1), count - 1)
    assert 1 <= len(held.lengths) <= target
    assert sorted([*train.ids.tolist(), *held.ids.tolist()]) == flat.tolist()
    sides = [set(line_of[part.ids[::2] // 2].tolist()) for part in (train, held)]
    assert not sides[0] & sides[1] or min(sizes) > target


def test_a_drift_says_in_its_report_how_its_lines_were_read(tiny_backbone: Backbone) -> None:
    said: list[str] = []
    config = MLMConfig(epochs=1, batch_size=8, max_length=64)
    lines = [DOCUMENT, "q" * 300, SENTENCE, "a cat"]
    drift = train_drift(tiny_backbone, lines, strategy="decoupled", config=config, warn=said.append)
    assert drift.text_form == 1
    assert drift.report["long_lines"]["split"] == 1
    assert (
        drift.report["lines"]["train"] + drift.report["lines"]["validation"] == drift.report["long_lines"]["examples"]
    )
    assert len(said) == 1
    assert select(drift, TicketConfig(active_ratio=0.05)).active > 0
