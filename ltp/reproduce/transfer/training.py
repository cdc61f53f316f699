"""A recipe carried out: what training begins from, which pairs it gets, and which of the trainers it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ltp.adapter.crossfit.train import cross_fit_adapter
from ltp.adapter.start import Start, add_language, start_from
from ltp.adapter.train import TrainedAdapter, train_adapter
from ltp.backbone.load import Backbone
from ltp.config import LanguageConfig
from ltp.language_delta.artefact import LanguageDelta
from ltp.language_delta.train import train_language_delta
from ltp.progress import ProgressCallback
from ltp.reproduce.transfer.cell import RecipeCell, TextCell
from ltp.reproduce.transfer.experiment import Trained
from ltp.reproduce.transfer.starters import Starter
from ltp.text.examples import Example
from ltp.ticket.mask import Ticket

AVERAGED_SEEDS = 3
"""Seeds of one training where it is they that are averaged."""
SEEDS_APART = 1000
"""Seeds of one training follow each other; those of two samples must not meet."""


@dataclass(frozen=True)
class Given:
    """What a recipe works with."""

    starter: Starter | None
    text: LanguageDelta | None
    train: list[Example]
    dev: list[Example]
    sources: list[Example]


def train(
    backbone: Backbone,
    ticket: Ticket | None,
    cell: RecipeCell,
    given: Given,
    *,
    progress: ProgressCallback,
    device: str,
) -> TrainedAdapter:
    """Train one adapter as the cell's recipe says. Raises TrainingDiverged."""
    recipe = cell.recipe
    method: Trained = "ltp" if recipe.method == "zero-shot" else recipe.method
    common: dict[str, Any] = {
        "method": method,
        "config": recipe.config(cell.scored.precision, seed=SEEDS_APART * cell.draw.seed),
        "seeds": AVERAGED_SEEDS if recipe.average in ("seeds", "both") else 1,
        "start": _start(backbone, ticket, given),
        "progress": progress,
        "device": device,
    }
    if recipe.estimate == "holdout":
        return train_adapter(backbone, ticket, train=[*given.train, *given.sources], dev=given.dev, **common)
    pairs = [*given.train, *given.dev]
    return cross_fit_adapter(backbone, ticket, train=pairs, sources=given.sources, publish=recipe.publish, **common)


def _start(backbone: Backbone, ticket: Ticket | None, given: Given) -> Start | None:
    """The starter's values, and the language's own text's on top."""
    starter = given.starter
    start = start_from(starter.adapter, starter.ticket, ticket, backbone) if starter else None
    if given.text is not None and ticket is not None:
        start = add_language(start, given.text.delta, ticket=ticket)
    return start


def language_delta(
    backbone: Backbone,
    ticket: Ticket,
    lines: Sequence[str],
    *,
    cell: TextCell,
    progress: ProgressCallback,
    device: str,
) -> LanguageDelta:
    """Carry out the MLM run in a language's own text, as the service does it where nothing is asked for."""
    config = LanguageConfig(epochs=cell.epochs, precision=cell.precision)
    return train_language_delta(backbone, ticket, lines, config=config, progress=progress, device=device)
