"""How much memory few-shot training takes at most, told before anything is loaded. Imports no torch."""

from __future__ import annotations

import os

from ltp.adapter.crossfit.estimate import FEW
from ltp.adapter.crossfit.stopping import GRID
from ltp.adapter.micro_batches import USUAL, PartSize
from ltp.backbone.manifest import BackboneInfo
from ltp.config import AUTO, AdapterConfig
from ltp.model.footprint import FLOAT, activation_bytes, process_bytes
from ltp.model.methods import METHODS, Method

TRAINED = 32
"""Bytes of a value that trains: itself, its gradient, two moments, its best epoch, and its change as published."""
POSITION = 8
"""More of a ticket's value: where it stands."""
PER_SEED = 8
"""Bytes of a value that each further seed keeps: its best epoch, and its change as it is published."""
REPARAMETERISATION = 8
"""Parameters of the soft prompt's LSTM and MLP, in squares of the hidden size."""


def training_bytes(
    backbone: BackboneInfo,
    *,
    method: Method,
    config: AdapterConfig,
    examples: int,
    active: int = 0,
    seeds: int = 1,
    longest: int | None = None,
    part_size: PartSize = USUAL,
) -> int:
    """Bound the peak memory of the whole process that runs `train_adapter`, or `cross_fit_adapter`, in bytes.

    Args:
        backbone: whose shapes decide.
        method: what trains.
        config: of which batch size, longest input and folds count.
        examples: training examples; further ones are scored in less memory than is trained in.
        active: parameters of the ticket, for a method that needs one.
        seeds: trained one after the other; each keeps its best epoch to the end.
        longest: tokens of the longest training example if known, else they may fill `max_length`.
        part_size: as `train_adapter` takes it.
    """
    length = min(config.max_length, longest or config.max_length)
    sizes = part_size.largest(min(config.batch_size, examples), length)
    activations = max(activation_bytes(backbone, examples=count, length=tokens) for count, tokens in sizes)
    trained, runs = _trained_bytes(backbone, method, config, examples, active, seeds), _runs(config, examples)
    return process_bytes(backbone) + min(runs, os.cpu_count() or 1) * activations + runs * trained


def _runs(config: AdapterConfig, examples: int) -> int:
    """Trainings that are in memory together: each fold's, and one on all pairs. Each core computes one at a time."""
    cross_fits = config.estimate == "cross_fit" or (config.estimate == "auto" and examples < FEW)
    return config.folds + 1 if cross_fits else 1


def _trained_bytes(
    backbone: BackboneInfo, method: Method, config: AdapterConfig, examples: int, active: int, seeds: int
) -> int:
    recipe, hidden, further = METHODS[method], backbone.hidden, PER_SEED * (seeds - 1 + _averaged(config, seeds))
    rows = min(backbone.vocabulary, examples * config.max_length)
    can_move = backbone.parameters - (backbone.vocabulary - rows) * hidden
    added = TRAINED * REPARAMETERISATION * hidden**2 if recipe.soft else TRAINED * hidden**2
    if recipe.dense:
        return added + can_move * (TRAINED + further)
    if not recipe.needs_ticket:
        return added
    mask = backbone.parameters // 4  # a bit an element, as it is read and as it is kept
    working_copies = 2 * FLOAT * can_move  # in training, and fused to be scored
    return added + mask + working_copies + min(active, can_move) * (TRAINED + POSITION + further)


def _averaged(config: AdapterConfig, seeds: int) -> int:
    """Averages that are kept and published beside each seed's best epoch, and first seeds at other rates."""
    trials = len(GRID) - 1 if config.learning_rate == AUTO else 0
    of_epochs = seeds if config.average in ("epochs", "both") else 0
    return trials + of_epochs + int(seeds > 1 and config.average in ("seeds", "both"))
