"""All that is drawn before the MLM run begins: the split, the masking, and the embedding rows that can move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ltp.backbone.load import Backbone
from ltp.config import MLMConfig
from ltp.drift.masking import Masking, candidates, hold_out, rows_read
from ltp.drift.tokens import Bools, Ids, Tokens

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class DriftPlan:
    """What every step will see. `rows` (R,) are the word embedding rows that some training step reads, ascending."""

    train: Tokens
    validation: Tokens
    masking: Masking
    held_inputs: Ids
    held_predicted: Bools
    rows: Rows
    vocabulary: int

    def tables(self, *, compact: bool) -> tuple[Rows, Rows, Rows]:
        """Map token ids to rows of the tables in use: in training, in validation, and the further rows of the latter.

        A compact table holds `rows` only; validation appends rows that it reads and no training step does.
        """
        everything = np.arange(self.vocabulary)
        if not compact:
            return everything, everything, everything[:0]
        train = np.full(self.vocabulary, -1, np.int64)
        train[self.rows] = np.arange(len(self.rows))
        further = np.setdiff1d(self.held_inputs, self.rows).astype(np.int64)
        validation = train.copy()
        validation[further] = len(self.rows) + np.arange(len(further))
        return train, validation, further


def make_plan(backbone: Backbone, tokens: Tokens, config: MLMConfig) -> DriftPlan:
    """Hold lines out, choose where random tokens come from, and find the rows some step will read."""
    train, validation = hold_out(tokens, config)
    pool = candidates(backbone.tokenizer, train, config, special=backbone.special.ids())
    masking = Masking(backbone.special.mask, pool, config.mask_share, config.seed)
    vocabulary = backbone.info.vocabulary
    rows = rows_read(masking, train, epochs=config.epochs, vocabulary=vocabulary)
    return DriftPlan(train, validation, masking, *masking.draw_validation(validation), rows, vocabulary)
