"""What an experiment trains and scores: settings, methods, shots, seeds and rates, each default with its source."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, get_args

from ltp.config import AdapterConfig, MLMConfig, Precision, TextForm
from ltp.errors import InvalidConfig, InvalidExperiment
from ltp.reproduce.plan.variant import Variant

EACH = "each"
"""As a setting's training language: every language trains for itself (in-language prompting, 4.3 b)."""
_NAME = re.compile(r"^[a-z0-9]+(?:-[a-z0-9]+)*$")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One block of an experiment: where shots come from, what is scored, and which methods and K are compared."""

    name: str
    title: str
    pool: str
    """The benchmark whose development files the shots are drawn from."""
    test: str
    """The benchmark whose test files are scored."""
    train: str
    """The language trained on, or `each`."""
    languages: tuple[str, ...]
    """The languages scored."""
    shots: tuple[int, ...]
    """Examples of each label, K."""
    methods: tuple[Variant, ...]
    paper: str | None = None
    """Name of the paper's table with figures for the same."""

    def __post_init__(self) -> None:
        """Check that there is something to do, once each. Raises InvalidExperiment."""
        where = f"setting {self.name!r}"
        _checked_name(self.name, where)
        for field in ("languages", "shots", "methods"):
            _checked_list(getattr(self, field), f"{field} of {where}")
        if min(self.shots) < 1:
            raise InvalidExperiment(f"shots of {where} are {list(self.shots)}; they must be at least 1")

    @property
    def in_language(self) -> bool:
        """Whether every language trains for itself."""
        return self.train == EACH


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A whole experiment. Bounds on it make another, smaller one (`ltp.reproduce.plan.bounds`)."""

    name: str
    title: str
    about: str
    settings: tuple[Setting, ...] = ()
    tickets: tuple[Variant, ...] = ()
    """Tickets whose distribution over the layers is reported although nothing is trained on them (figure 3)."""
    seeds: int = 5
    """Runs; seed s draws its own sample and initial values, the same for every method (5.1)."""
    paper_rate: float = 2e-5
    """The learning rate at which the paper trains everything (4.2)."""
    rates: tuple[float, ...] = (2e-5, 1e-4, 5e-4)
    """The grid out of which each method's own best rate is chosen on development data; empty for none."""
    search_shots: int = 16
    """The K at which that choice is made, with seed 0: of the setting's own K the nearest to it."""
    epochs: int = 70
    """Passes over the shots (4.2)."""
    sentences: int = 300_000
    """Sentences of unlabelled text the drift is measured on, at most (4.1)."""
    passes: int = 3
    """Passes over them (4.2)."""
    pairs: int | None = None
    """Test pairs a language, the first of each file; null takes all."""
    precision: Precision = "fp32"
    """Arithmetic of drift, training and scoring."""
    text_form: TextForm = 0
    """How texts are prepared (`ltp.text.form`); 0, as the paper does: not at all."""

    def __post_init__(self) -> None:
        """Check every value. Raises InvalidExperiment naming the first that cannot be."""
        _checked_name(self.name, "the experiment")
        if not self.settings and not self.tickets:
            raise InvalidExperiment(f"experiment {self.name!r} has neither settings nor tickets")
        _checked_list([setting.name for setting in self.settings], "the settings", empty=True)
        _checked_list(self.tickets, "the tickets", empty=True)
        _checked_list(self.rates, "the rates", empty=True)
        if others := [variant.key for variant in self.tickets if variant.ticket is None]:
            raise InvalidExperiment(f"the tickets hold {others[0]!r}; only LTP has a ticket: ltp@20")
        for field, least in (("seeds", 1), ("search_shots", 1), ("pairs", 1)):
            value = getattr(self, field)
            if value is not None and value < least:
                raise InvalidExperiment(f"{field} is {value}; it must be at least {least}")
        if self.precision not in get_args(Precision):
            raise InvalidExperiment(f"precision is {self.precision!r}; it must be fp32 or bf16")
        try:
            _ = self.mlm, [self.training(rate, seed=0) for rate in (self.paper_rate, *self.rates)]
        except InvalidConfig as error:
            raise InvalidExperiment(f"experiment {self.name!r}: {error}") from error

    @property
    def mlm(self) -> MLMConfig:
        """Configuration of every drift: one line is one example, and what is longer is cut, as in the paper."""
        return MLMConfig(
            epochs=self.passes,
            sample=self.sentences,
            precision=self.precision,
            long_lines="cut",
            text_form=self.text_form,
        )

    def training(self, rate: float, *, seed: int) -> AdapterConfig:
        """Configuration of one training; everything not bounded here is the stage's own default."""
        return AdapterConfig(
            epochs=self.epochs,
            learning_rate=rate,
            seed=seed,
            precision=self.precision,
            text_form=self.text_form,
            delta_dtype="fp16",
        )

    @property
    def variants(self) -> list[Variant]:
        """Every method and ticket that occurs, each once, in order."""
        named = [*self.tickets, *(variant for setting in self.settings for variant in setting.methods)]
        return list(dict.fromkeys(named))

    def facts(self) -> dict[str, Any]:
        """Everything as JSON has it."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        settings = [
            {field.name: getattr(setting, field.name) for field in fields(setting)}
            | {"methods": [variant.key for variant in setting.methods]}
            for setting in self.settings
        ]
        return plain | {"settings": settings, "tickets": [variant.key for variant in self.tickets]}


def _checked_name(name: str, what: str) -> None:
    if not _NAME.match(name):
        raise InvalidExperiment(f"{what} is named {name!r}; a name has small letters, digits and hyphens")


def _checked_list(values: Sequence[object], what: str, *, empty: bool = False) -> None:
    if not values and not empty:
        raise InvalidExperiment(f"{what} are an empty list")
    if len(set(values)) != len(values):
        raise InvalidExperiment(f"{what} name something twice: {', '.join(map(_shown, values))}")


def _shown(value: object) -> str:
    return value.key if isinstance(value, Variant) else str(value)
