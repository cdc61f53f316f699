"""The cells of a transfer experiment. Each leaves scores; a language's text also leaves an artefact, its delta."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ltp.config import Precision
from ltp.reproduce.data.draw import FewShotSample
from ltp.reproduce.plan.cell import NamedCell
from ltp.reproduce.transfer.experiment import Recipe, shots_word


@dataclass(frozen=True)
class Scored:
    """Which test file is scored, how much of it, and how."""

    suite: str
    language: str
    pairs: int | None
    precision: Precision

    def key(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return {"suite": self.suite, "language": self.language, "pairs": self.pairs, "precision": self.precision}


@dataclass(frozen=True)
class ZeroShotCell(NamedCell):
    """A starter scored on one test file as it is."""

    kind = "zero-shot"
    starter: str
    """SHA-256 of its file."""
    scored: Scored

    @property
    def needs(self) -> tuple[TextCell, ...]:
        """Nothing."""
        return ()

    def key(self) -> dict[str, Any]:
        """Starter and test."""
        return {"starter": self.starter, "test": self.scored.key()}

    @property
    def label(self) -> str:
        """The test and the starter's first digits."""
        return f"{self.scored.suite}.{self.scored.language} {self.starter[:6]}"


@dataclass(frozen=True)
class TextCell(NamedCell):
    """The MLM run in a language's own text, on a starter's ticket. Artefact: the language delta."""

    kind = "text"
    language: str
    text_sha256: str
    ticket_sha256: str
    epochs: int | None
    precision: Precision

    @property
    def needs(self) -> tuple[TextCell, ...]:
        """Nothing."""
        return ()

    def key(self) -> dict[str, Any]:
        """Text, ticket and configuration."""
        config = {"epochs": self.epochs, "precision": self.precision}
        return {"text": self.text_sha256, "ticket": self.ticket_sha256, **config}

    @property
    def label(self) -> str:
        """The language and the ticket's first digits."""
        return f"{self.language} {self.ticket_sha256[:6]}"


@dataclass(frozen=True)
class RecipeCell(NamedCell):
    """One recipe carried out with one sample and seed, and scored on its language's test file."""

    kind = "recipe"
    recipe: Recipe
    starter: str
    """SHA-256 of the starter's file; empty where training begins from pretrained values."""
    ticket_sha256: str
    """Empty for methods that need none."""
    text: TextCell | None
    draw: FewShotSample
    scored: Scored
    sources: tuple[str, int] | None
    """For joint training: a hash of the pairs of the source languages, and how many they are at most."""

    @property
    def needs(self) -> tuple[TextCell, ...]:
        """The language delta, if it begins on one."""
        return (self.text,) if self.text else ()

    def key(self) -> dict[str, Any]:
        """Everything."""
        facts = self.recipe.facts() | {"language_text": self.text.id if self.text else None}
        begin = {"starter": self.starter, "ticket": self.ticket_sha256, "sources": self.sources}
        return {"recipe": facts, **begin, "draw": self.draw.key(), "test": self.scored.key()}

    @property
    def label(self) -> str:
        """Recipe, language, shots, seed and the starter's first digits."""
        shots = f"k{shots_word(self.draw.shots)} s{self.draw.seed}"
        return f"{self.recipe.name} {self.scored.suite}.{self.scored.language} {shots} {self.starter[:6]}".strip()


TransferCell = ZeroShotCell | TextCell | RecipeCell
