"""All that is read and drawn before the MLM run begins: tokens, the split, the masking, the rows that can move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltp.backbone.load import Backbone
from ltp.config import MLMConfig
from ltp.drift.masking import Masking, candidates, hold_out, rows_read
from ltp.drift.reading import read_corpus
from ltp.drift.tokens import Bools, Ids, Tokens
from ltp.progress import ProgressCallback

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


def plan_lines(
    backbone: Backbone,
    lines: Sequence[str],
    config: MLMConfig,
    report: ProgressCallback,
    warn: Callable[[str], None] | None,
) -> tuple[DriftPlan, dict[str, Any]]:
    """Read the lines and plan the run; return what a report says of what was lost as well (`read_corpus`).

    Raises:
        CorpusError, UnknownText: see `read_corpus`.
    """
    tokens, losses = read_corpus(backbone, lines, config, report)
    for warning in losses["warnings"]:
        (warn or (lambda _: None))(warning)
    return make_plan(backbone, tokens, config), losses
