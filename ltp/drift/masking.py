"""BERT's masking, drawn from the seed before anything is trained. No torch.

Every draw comes from numpy's Philox keyed by (seed, purpose, epoch, block), read as raw bits, so it does not depend on
the order of training, on torch, or on numpy's version. Hence the embedding rows that can move are known beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ltp.config import MLMConfig
from ltp.drift.tokens import Bools, Ids, Tokens, held_out
from ltp.training.seeds import step_seed

BLOCK = 1 << 16
"""Tokens whose masking is drawn at a time."""
TO_MASK, TO_RANDOM = 0.8, 0.1
"""BERT's recipe for the tokens to predict; the remaining 10 % stay as they are (4.2)."""


class Purpose(IntEnum):
    """What a random stream is for; part of its key."""

    HOLDOUT = 1
    ORDER = 2
    MASKING = 3
    VALIDATION = 4
    DROPOUT = 5


def raw_bits(count: int, seed: int, *path: int) -> NDArray[np.uint64]:
    """Draw `count` 64-bit words from the stream named by `seed` and `path`."""
    bits: NDArray[np.uint64] = np.random.Philox(key=step_seed(seed, *path)).random_raw(count)
    return bits


def permutation(count: int, seed: int, *path: int) -> NDArray[np.int64]:
    """Shuffle 0..count-1."""
    return np.argsort(raw_bits(count, seed, *path), kind="stable").astype(np.int64)


def hold_out(tokens: Tokens, config: MLMConfig) -> tuple[Tokens, Tokens]:
    """Split the examples by seed into those to train on and those held out (at least one each)."""
    held = held_out(tokens, permutation(tokens.lines, config.seed, Purpose.HOLDOUT), config.holdout)
    return tokens.take(np.flatnonzero(~held)), tokens.take(np.flatnonzero(held))


@dataclass(frozen=True)
class Masking:
    """BERT's corruption of some tokens: which ids stand for `<mask>` and from which a random one is drawn."""

    mask: int
    candidates: Ids
    share: float
    seed: int

    def draw(self, tokens: Tokens, purpose: Purpose, epoch: int = 0) -> tuple[Ids, Bools]:
        """Return the corrupted ids (N,), and which tokens are to be predicted (N,)."""
        inputs, predicted = tokens.ids.copy(), np.zeros(len(tokens.ids), np.bool_)
        for block, start in enumerate(range(0, len(inputs), BLOCK)):
            part = slice(start, start + BLOCK)
            size = len(inputs[part])
            bits = raw_bits(2 * size, self.seed, purpose, epoch, block)
            choice = (bits[:size] >> np.uint64(32)) / 2.0**32  # uniform in [0, 1)
            action = (bits[:size] & np.uint64(0xFFFFFFFF)) / 2.0**32
            random = self.candidates[(bits[size:] % np.uint64(len(self.candidates))).astype(np.int64)]
            chosen = (choice < self.share) & tokens.maskable[part]
            predicted[part] = chosen
            inputs[part] = np.where(chosen & (action < TO_MASK), self.mask, inputs[part])
            swap = chosen & (action >= TO_MASK) & (action < TO_MASK + TO_RANDOM)
            inputs[part] = np.where(swap, random, inputs[part])
        return inputs, predicted

    def draw_validation(self, tokens: Tokens) -> tuple[Ids, Bools]:
        """Draw once for all validations; of a text so short that nothing is drawn, the first token is predicted."""
        inputs, predicted = self.draw(tokens, Purpose.VALIDATION)
        if not predicted.any():
            first = int(np.argmax(tokens.maskable))
            inputs[first], predicted[first] = self.mask, True
        return inputs, predicted


def candidates(tokenizer: Tokenizer, train: Tokens, config: MLMConfig, *, special: Sequence[int]) -> Ids:
    """Ids that a random replacement may be: every non-special piece of the vocabulary, or those the corpus uses."""
    if config.random_tokens == "corpus":
        return np.unique(train.ids[train.maskable])
    return np.setdiff1d(np.fromiter(tokenizer.get_vocab().values(), np.int32), np.array(special, np.int32))


def rows_read(masking: Masking, train: Tokens, *, epochs: int, vocabulary: int) -> NDArray[np.int64]:
    """List the word embedding rows that some training step will read, ascending: no other row can get a gradient."""
    seen = np.zeros(vocabulary, np.bool_)
    for epoch in range(epochs):
        seen[masking.draw(train, Purpose.MASKING, epoch)[0]] = True
    return np.flatnonzero(seen)
