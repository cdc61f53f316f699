"""Drifts, tickets and adapters of XLM-R base made up from a seed: their shapes and patterns are real, not their values.

Of the word embeddings those rows moved that 16,000 WikiText-2 sentences and their random replacements touch; in an
adapter those that a hundred examples touch. Elsewhere everything moved, each tensor by its own order of magnitude.
"""

from __future__ import annotations

from math import prod

import numpy as np
import torch
from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

from bench.material import BASE
from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.backbone.architecture import DECODER, EMBEDDING_MATRICES, WORD_EMBEDDINGS
from ltp.backbone.strategy import STRATEGIES, Strategy
from ltp.config import TicketConfig
from ltp.delta.delta import DeltaDtype, encode
from ltp.drift.stored import Drift
from ltp.ticket.mask import Ticket, active_in_rows
from ltp.ticket.selection import select

RATIO = 0.2
CORPUS_ROWS = 36_000
"""16,000 sentences hold 11,700 different tokens, and three epochs put 27,000 random ones in the place of some."""
EXAMPLE_ROWS = 2_500
"""Of the corpus's, those that a hundred pairs hold as well."""


def every_shape() -> dict[str, tuple[int, ...]]:
    """All parameters of XLM-R base; the output embeddings are the input's."""
    with torch.device("meta"):
        model = XLMRobertaForMaskedLM(XLMRobertaConfig(**BASE))
    known = {name: tuple(parameter.shape) for name, parameter in model.named_parameters(remove_duplicate=False)}
    return {name: shape for name, shape in known.items() if name != DECODER}


def shapes(strategy: Strategy) -> dict[str, tuple[int, ...]]:
    """What a ticket of XLM-R base may choose from."""
    return dict(sorted(STRATEGIES[strategy].selectable_shapes(every_shape()).items()))


def drift(strategy: Strategy, *, backbone: str = "made up", seed: int = 0) -> Drift:
    """Everything moved under `tied`; else, of the word embeddings, the corpus's rows alone."""
    random = np.random.default_rng(seed)
    values, rows, known = {}, {}, shapes(strategy)
    for name, shape in known.items():
        moved = shape
        if name in EMBEDDING_MATRICES:
            some = CORPUS_ROWS if name == WORD_EMBEDDINGS and strategy != "tied" else shape[0]
            numbers = np.sort(random.choice(shape[0], some, replace=False))
            rows[name], moved = torch.from_numpy(numbers), (some, shape[1])
        distances = torch.from_numpy(np.abs(random.standard_normal(prod(moved), np.float32)))
        values[name] = (distances * 2.0 ** random.normal(6, 0.5)).half().view(moved)
    return Drift(values, rows, 0, strategy, backbone, known)


def ticket(*, backbone: str = "made up", seed: int = 0) -> Ticket:
    """A fifth of all parameters, by a decoupled drift."""
    return select(drift("decoupled", backbone=backbone, seed=seed), TicketConfig(active_ratio=RATIO))


def adapter(of: Ticket, *, seed: int = 0, dtype: DeltaDtype = "fp16") -> Adapter:
    """An adapter whose values moved wherever its ticket is active, in the word embeddings where examples touched it."""
    random = torch.Generator().manual_seed(seed)
    numbers = np.flatnonzero(of.masks[WORD_EMBEDDINGS].reshape(of.shapes[WORD_EMBEDDINGS][0], -1).any(1))
    chosen = torch.randperm(len(numbers), generator=random)[:EXAMPLE_ROWS].sort().values
    touched = {WORD_EMBEDDINGS: torch.from_numpy(numbers)[chosen]}
    counts = of.counts | {name: int(active_in_rows(of, name, rows).sum()) for name, rows in touched.items()}
    changes = {name: torch.randn(count, generator=random) * 1e-3 for name, count in counts.items()}
    return Adapter(
        prompt=torch.randn(4, BASE["hidden_size"], generator=random) * 0.02,
        delta=encode(changes, of, dtype=dtype, rows=touched),
        method="ltp",
        strategy=of.strategy,
        backbone=of.backbone,
        ticket_sha256=of.sha256,
        template=TemplateOptions(literal=False, max_length=256),
    )
