"""A small transfer experiment, starters on the tiny backbone, and a worker that makes outcomes up."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from support.synthetic import random_changes, random_ticket

from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.backbone.load import Backbone
from ltp.delta.delta import encode
from ltp.progress import Progress, ProgressCallback
from ltp.reproduce.plan.cell import Outcome
from ltp.reproduce.transfer.cell import RecipeCell, TextCell, TransferCell
from ltp.reproduce.transfer.experiment import Goal, Recipe, Step, Target, TransferExperiment
from ltp.reproduce.transfer.starters import Starter, read_starters

RECIPES = (
    Recipe(name="zero-shot", title="the starter", method="zero-shot"),
    Recipe(name="started", title="started", against="zero-shot", epochs=2),
    Recipe(name="text", title="with text", language_text=True, against="started", epochs=2),
    Recipe(name="ft-started", title="FT", method="ft", against="started", epochs=1),
    Recipe(name="paper", title="paper", start="pretrained", estimate="holdout", epochs=2, against="started"),
)
TARGETS = (
    Target(name="americasnli", title="AmericasNLI", test="americasnli", pool="americasnli", languages=("quy", "aym")),
    Target(
        name="afrixnli",
        title="AfriXNLI",
        test="afrixnli",
        pool="afrixnli",
        languages=("hau", "swa"),
        elsewhere=("swa=xnli/sw",),
    ),
)


def small_transfer(**changes: Any) -> TransferExperiment:
    """Five recipes on four languages."""
    given = {
        "name": "small-transfer",
        "title": "Small transfer",
        "about": "Small.",
        "recipes": RECIPES,
        "targets": TARGETS,
        "steps": (
            Step(recipes=("zero-shot",)),
            Step(recipes=("started", "text"), targets=("americasnli",), shots=("2",)),
            Step(recipes=("started", "ft-started", "paper")),
        ),
        "goals": (Goal(target="americasnli", recipe="started", at_least=1.0, shots="2"),),
        "shots": ("2", "4"),
        "seeds": 2,
        "precision": "fp32",
        "text_epochs": 1,
    }
    return TransferExperiment(**{**given, **changes})


def write_starter(backbone: Backbone, path: Path, *, seed: int = 0, size: float = 1e-2) -> Path:
    """An export of random changes on a random ticket, the same ticket for every seed."""
    ticket = random_ticket(backbone, 0.3)
    prompt = torch.randn(4, backbone.info.hidden, generator=torch.Generator().manual_seed(seed))
    adapter = Adapter(
        prompt=prompt,
        delta=encode(random_changes(ticket, seed=seed, size=size), ticket),
        method="ltp",
        strategy=ticket.strategy,
        backbone=backbone.info.fingerprint,
        ticket_sha256=ticket.sha256,
        template=TemplateOptions(literal=False, max_length=64),
    )
    adapter.save(path, ticket=ticket)
    return path


def two_starters(backbone: Backbone, folder: Path) -> tuple[Starter, ...]:
    """A clean one and a shipped one."""
    clean, shipped = (write_starter(backbone, folder / f"{seed}.safetensors", seed=seed) for seed in (1, 2))
    return read_starters(backbone.info, shipped=shipped, clean=clean, further={})


class MadeUpWorker:
    """Makes outcomes up, the same for the same cell; keeps what it was asked."""

    def __init__(self, pairs: int = 48, spoil: Callable[[TransferCell], Outcome | None] = lambda _: None) -> None:
        self.done: list[TransferCell] = []
        self.files: set[str] = set()
        self._pairs, self._spoil = pairs, spoil

    def holds(self, cell: TextCell) -> bool:
        """Whether it was done."""
        return cell.id in self.files

    def do(self, cell: TransferCell, progress: ProgressCallback) -> Outcome:
        """Make something up."""
        progress(Progress("made up", 1, 1))
        missing = [need.id for need in cell.needs if need.id not in self.files]
        assert not missing, f"{cell.id} was begun without {missing}"
        self.done.append(cell)
        self.files.add(cell.id)
        return self._spoil(cell) or made_up(cell, self._pairs)


def made_up(cell: TransferCell, pairs: int = 48) -> Outcome:
    """What a cell might say."""
    rng = random.Random(cell.id)
    if isinstance(cell, TextCell):
        report = {"helps": True, "held_out": {"before": 5.0, "after": 4.5}}
        return {"lines": 40, "seconds": 1.0, "bytes": 1000, "report": report}
    predicted = "".join(rng.choice("012") for _ in range(pairs if cell.scored.suite == "americasnli" else 24))
    told = {"ece": 0.1, "loss": 1.0}
    scores = {**told, "raw": told, "accuracy": 0.3, "macro_f1": 0.3, "pairs": len(predicted), "predicted": predicted}
    if not isinstance(cell, RecipeCell):
        return scores
    report = {"choice": {"weight": 0.5}, "parameters": {"prompt": 128, "active": 1000}}
    return {**scores, "seconds": 2.0, "bytes": 5000, "dev": {"accuracy": 0.4}, "report": report, "training": {}}
