"""The cells of a grid: pieces of work with names that follow from their content, so that equal work is done once.

A drift serves every ratio and scope of its strategy, a ticket every training on it, and a training, of one method, K,
seed and rate, is scored on all languages. What a cell leaves behind is JSON (its outcome); drifts, tickets and
trainings also leave an artefact, which those that need them read.
"""

from __future__ import annotations

import hashlib
import json
import re
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar

from ltp.backbone.strategy import Strategy
from ltp.config import AdapterConfig, MLMConfig, Precision, TicketConfig
from ltp.reproduce.data.draw import FewShotSample
from ltp.reproduce.plan.variant import Kind, Variant


class NamedCell(ABC):
    """What all cells share: an identifier made of everything that decides their outcome."""

    kind: ClassVar[str]

    @abstractmethod
    def key(self) -> dict[str, Any]:
        """All that decides the outcome, as JSON has it."""

    @property
    @abstractmethod
    def label(self) -> str:
        """What a person reads while it is worked on."""

    @cached_property
    def id(self) -> str:
        """Kind, label and a hash of the key; the same on every machine, and fit to be a file's name."""
        digest = hashlib.sha256(json.dumps(self.key(), sort_keys=True, allow_nan=False).encode()).hexdigest()
        words = re.sub(r"[^a-z0-9.@]+", "-", self.label.casefold()).strip("-")
        return f"{self.kind}-{words}-{digest[:12]}"


@dataclass(frozen=True)
class DriftCell(NamedCell):
    """One MLM run (3.1). Outcome: the drift's own report. Artefact: the drift."""

    kind = "drift"
    strategy: Strategy
    config: MLMConfig
    text_sha256: str

    @property
    def needs(self) -> tuple[Cell, ...]:
        """Nothing."""
        return ()

    def key(self) -> dict[str, Any]:
        """Strategy, configuration and text."""
        return {"strategy": self.strategy, "config": asdict(self.config), "text": self.text_sha256}

    @property
    def label(self) -> str:
        """The strategy."""
        return self.strategy


@dataclass(frozen=True)
class TicketCell(NamedCell):
    """One selection out of a drift (3.1). Outcome: counts and distribution. Artefact: the ticket."""

    kind = "ticket"
    drift: DriftCell
    config: TicketConfig

    @property
    def needs(self) -> tuple[Cell, ...]:
        """The drift."""
        return (self.drift,)

    def key(self) -> dict[str, Any]:
        """Drift and configuration."""
        return {"drift": self.drift.id, "config": asdict(self.config)}

    @property
    def label(self) -> str:
        """As a variant is written."""
        return Variant("ltp", self.config, self.drift.strategy).key


@dataclass(frozen=True)
class TrainingCell(NamedCell):
    """One method trained on one sample with one seed (3.2). Outcome: development scores. Artefact: the adapter."""

    kind = "training"
    method: Kind
    ticket: TicketCell | None
    draw: FewShotSample
    config: AdapterConfig
    """With its learning rate and its one seed."""

    @property
    def needs(self) -> tuple[Cell, ...]:
        """The ticket, if it has one."""
        return (self.ticket,) if self.ticket else ()

    def key(self) -> dict[str, Any]:
        """Method, ticket, sample and configuration."""
        ticket = self.ticket.id if self.ticket else None
        return {"method": self.method, "ticket": ticket, "draw": self.draw.key(), "config": asdict(self.config)}

    @property
    def label(self) -> str:
        """Method, sample, seed and rate."""
        variant = self.ticket.label if self.ticket else self.method
        sample = f"{self.draw.suite}.{self.draw.language} k{self.draw.shots}"
        return f"{variant} {sample} s{self.config.seed} r{self.config.learning_rate:g}"


@dataclass(frozen=True)
class EvaluationCell(NamedCell):
    """One training's adapter scored on test files. Outcome: scores and predictions of each language."""

    kind = "evaluation"
    training: TrainingCell
    suite: str
    languages: tuple[str, ...]
    pairs: int | None
    """The first so many of each file; None for all."""
    precision: Precision

    @property
    def needs(self) -> tuple[Cell, ...]:
        """The training, and the ticket that its adapter stands on."""
        return (self.training, *self.training.needs)

    def key(self) -> dict[str, Any]:
        """Training, languages, pairs and precision."""
        test = {"suite": self.suite, "languages": list(self.languages), "pairs": self.pairs}
        return {"training": self.training.id, "precision": self.precision, **test}

    @property
    def label(self) -> str:
        """The training's."""
        return self.training.label


Cell = DriftCell | TicketCell | TrainingCell | EvaluationCell
Outcome = dict[str, Any]
"""What a finished cell says, as JSON has it. A training whose loss was no number says `{"diverged": reason}`."""
