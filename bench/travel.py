"""Why a `tied` ticket may lie in the embeddings alone: how far rows in the text, other rows and layers travelled.

    python -m bench.travel FOLDER       the `artefacts` of `ltp reproduce figure3 --output OUT`, OUT/artefacts

Travel is the drift over the sum of the learning rates: 1 is a parameter that AdamW moved the same way at every step,
and a walk without direction comes to little. Rows in the text are those that moved under `decoupled`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
import typer
from torch import Tensor

from ltp.backbone.architecture import WORD_EMBEDDINGS, layer_of
from ltp.config import TicketConfig
from ltp.drift.stored import Drift
from ltp.ticket.selection import select

RATIOS = (0.05, 0.2, 0.5, 0.75, 0.95)


def reach(drift: Drift) -> float:
    """The sum of the learning rates up to the weights that were kept; the rate falls linearly to zero."""
    report = drift.report
    steps, kept = report["steps"], report["best_step"]
    return float(report["config"]["learning_rate"]) * sum(1 - step / steps for step in range(kept))


def travels(tied: Drift, decoupled: Drift) -> Iterator[tuple[str, Tensor]]:
    """Each group of parameters and its travels, flat."""
    in_text = torch.zeros(tied.shapes[WORD_EMBEDDINGS][0], dtype=torch.bool)
    in_text[decoupled.rows[WORD_EMBEDDINGS]] = True
    words = tied.dense(WORD_EMBEDDINGS) / reach(tied)
    yield "tied: rows in the text", words[in_text].flatten()
    yield "tied: other rows", words[~in_text].flatten()
    yield "tied: layers", _layers(tied)
    yield "decoupled: rows in the text", (decoupled.dense(WORD_EMBEDDINGS) / reach(decoupled))[in_text].flatten()
    yield "decoupled: layers", _layers(decoupled)


def shares(tied: Drift) -> Iterator[tuple[float, float]]:
    """Ratios, and the embeddings' share of a ticket of that size."""
    for ratio in RATIOS:
        embeddings, *_ = select(tied, TicketConfig(active_ratio=ratio)).distribution()
        yield ratio, float(embeddings["share"])


def _layers(drift: Drift) -> Tensor:
    return torch.cat([drift.dense(name).flatten() for name in drift.shapes if layer_of(name)]) / reach(drift)


def main(folder: Path) -> None:
    """Print both as Markdown."""
    tied, decoupled = (_only(folder, strategy) for strategy in ("tied", "decoupled"))
    print("| group | parameters | mean travel | median |\n| --- | ---: | ---: | ---: |")
    for name, group in travels(tied, decoupled):
        print(f"| {name} | {group.numel():,} | {group.mean():.3f} | {group.median():.3f} |")
    print("\n| ratio | embeddings' share of a tied ticket |\n| ---: | ---: |")
    for ratio, share in shares(tied):
        print(f"| {ratio:.0%} | {share:.1%} |")


def _only(folder: Path, strategy: str) -> Drift:
    artefacts = list(folder.glob(f"drift-{strategy}-*.safetensors"))
    if len(artefacts) != 1:
        raise typer.BadParameter(f"{folder} has {len(artefacts)} drifts of strategy {strategy}; one is needed")
    return Drift.load(artefacts[0])


if __name__ == "__main__":
    typer.run(main)
