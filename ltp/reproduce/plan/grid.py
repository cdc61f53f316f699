"""From an experiment and its data to the cells of work, in the order they are done.

The order is by seed, then K, then method: an interrupted run has compared every method equally often. Trainings at a
method's own best rate are known once that rate is chosen; at the paper's rate they are the same cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Literal

from ltp.errors import InvalidExperiment, UnsoundData
from ltp.reproduce.data.draw import FewShotSample, SamplePool
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.data.text import UnlabelledText
from ltp.reproduce.plan.cell import Cell, DriftCell, EvaluationCell, Outcome, TicketCell, TrainingCell
from ltp.reproduce.plan.experiment import Experiment, Setting
from ltp.reproduce.plan.rates import ChosenRate, RateSearch
from ltp.reproduce.plan.variant import Variant

Track = Literal["paper", "best"]
"""Which learning rate: the paper's for every method, or each method's own best."""


@dataclass(frozen=True)
class Run:
    """One training and its evaluation, and what they are a run of."""

    track: Track
    setting: Setting
    variant: Variant
    shots: int
    seed: int
    language: str
    """The language trained on."""
    training: TrainingCell
    evaluation: EvaluationCell


class Grid:
    """All cells of an experiment. Making it reads every file that is needed and draws every sample."""

    def __init__(self, experiment: Experiment, data: DataFolder, text: UnlabelledText | None) -> None:
        """Read, check and draw.

        Raises:
            UnsoundData: a file is missing or contradicts others.
            TooFewExamples: a sample cannot be drawn.
            InvalidExperiment: no language of a setting has a test file.
        """
        self.experiment, self.data, self._text = experiment, data, text
        self.scored: dict[str, tuple[str, ...]] = {}
        """The languages of each setting that have a test file."""
        self.missing: dict[str, tuple[str, ...]] = {}
        """Those that have none."""
        self._pools: dict[str, SamplePool] = {}
        self._draws: dict[tuple[str, str, int, int], FewShotSample] = {}
        self._trainings: dict[tuple[object, ...], TrainingCell] = {}
        self._evaluations: dict[tuple[str, str], EvaluationCell] = {}
        for setting in experiment.settings:
            self._open(setting)
        self.searches = [
            self._search(setting, variant) for setting in experiment.settings for variant in setting.methods
        ]
        self._cells_of(self.runs({}))  # a sample that cannot be drawn is an error now, not hours later

    @property
    def sentences(self) -> int:
        """Sentences there are to measure drifts on."""
        return len(self._text.sentences) if self._text else 0

    def _open(self, setting: Setting) -> None:
        test = self.data.suite(setting.test)
        there = test.languages("test")
        scored = tuple(language for language in setting.languages if language in there)
        if not scored:
            of = f"{setting.test} has test files of {', '.join(there) or 'no language'}"
            raise InvalidExperiment(f"no language of setting {setting.name!r} can be scored; {of}")
        self.scored[setting.name] = scored
        self.missing[setting.name] = tuple(language for language in setting.languages if language not in there)
        for language in scored:
            test.file("test", language)
        pool = self.data.suite(setting.pool)
        for language in self._trained(setting):
            pool.file("dev", language)
        self._pools[setting.name] = SamplePool(pool, self._trained(setting))

    def _trained(self, setting: Setting) -> tuple[str, ...]:
        """The languages that are trained on."""
        return self.scored[setting.name] if setting.in_language else (setting.train,)

    def _draw(self, setting: Setting, language: str, shots: int, seed: int) -> FewShotSample:
        key = (setting.name, language, shots, seed)
        if key not in self._draws:
            self._draws[key] = self._pools[setting.name].draw(language, shots=shots, seed=seed)
        return self._draws[key]

    @property
    def draws(self) -> list[FewShotSample]:
        """Every sample, each once."""
        return list(dict.fromkeys(self._draws.values()))

    @cached_property
    def tickets(self) -> dict[Variant, TicketCell]:
        """The ticket of every LTP variant; strategies share a drift. Raises UnsoundData without unlabelled text."""
        tickets = {}
        for variant in self.experiment.variants:
            if variant.ticket is not None:
                if self._text is None:
                    raise UnsoundData(f"{variant.key} needs unlabelled text to measure a drift on")
                drift = DriftCell(variant.strategy, self.experiment.mlm, self._text.sha256)
                tickets[variant] = TicketCell(drift, variant.ticket)
        return tickets

    def _training(
        self, setting: Setting, variant: Variant, language: str, shots: int, seed: int, rate: float
    ) -> TrainingCell:
        key = (setting.name, variant, language, shots, seed, rate)
        if key not in self._trainings:
            sample = self._draw(setting, language, shots, seed)
            config = self.experiment.training(rate, seed=seed)
            self._trainings[key] = TrainingCell(variant.method, self.tickets.get(variant), sample, config)
        return self._trainings[key]

    def _evaluation(self, setting: Setting, training: TrainingCell) -> EvaluationCell:
        key = (setting.name, training.id)
        if key not in self._evaluations:
            own, plan = training.draw.language, self.experiment
            scored = (own,) if setting.in_language else self.scored[setting.name]
            self._evaluations[key] = EvaluationCell(training, setting.test, scored, plan.pairs, plan.precision)
        return self._evaluations[key]

    def _search(self, setting: Setting, variant: Variant) -> RateSearch:
        wanted = self.experiment.search_shots
        shots = min(setting.shots, key=lambda own: (abs(own - wanted), own))
        candidates = {
            rate: tuple(
                self._training(setting, variant, language, shots, 0, rate) for language in self._trained(setting)
            )
            for rate in self.experiment.rates
        }
        return RateSearch(setting.name, variant, shots, candidates, self.experiment.paper_rate)

    def choices(self, outcomes: Mapping[str, Outcome]) -> dict[tuple[str, Variant], ChosenRate]:
        """The rates chosen so far, by setting and method; empty where there is no grid of rates."""
        if not self.experiment.rates:
            return {}
        made = {(search.setting, search.variant): search.choice(outcomes) for search in self.searches}
        return {key: choice for key, choice in made.items() if choice is not None}

    def runs(self, outcomes: Mapping[str, Outcome]) -> list[Run]:
        """Every run that is known: those at the paper's rate, and at each rate that is chosen."""
        choices = self.choices(outcomes)
        runs: list[Run] = []
        for setting in self.experiment.settings:
            for seed, shots, variant in product(range(self.experiment.seeds), setting.shots, setting.methods):
                rates: dict[Track, float] = {"paper": self.experiment.paper_rate}
                if choice := choices.get((setting.name, variant)):
                    rates["best"] = choice.rate
                for track, rate in rates.items():
                    runs += self._runs(track, setting, variant, shots, seed, rate)
        return runs

    def _runs(
        self, track: Track, setting: Setting, variant: Variant, shots: int, seed: int, rate: float
    ) -> Iterator[Run]:
        for language in self._trained(setting):
            training = self._training(setting, variant, language, shots, seed, rate)
            evaluation = self._evaluation(setting, training)
            yield Run(track, setting, variant, shots, seed, language, training, evaluation)

    def cells(self, outcomes: Mapping[str, Outcome]) -> list[Cell]:
        """Every cell that is known, each once: tickets with their drifts, the choice of rates, then the runs."""
        cells: dict[str, Cell] = {}
        for ticket in self.tickets.values():
            cells |= {ticket.drift.id: ticket.drift, ticket.id: ticket}
        cells |= {cell.id: cell for search in self.searches for cell in search.cells}
        for cell in self._cells_of(self.runs(outcomes)):
            diverged = isinstance(cell, EvaluationCell) and "diverged" in outcomes.get(cell.training.id, {})
            if not diverged:
                cells.setdefault(cell.id, cell)
        return list(cells.values())

    def _cells_of(self, runs: list[Run]) -> list[Cell]:
        return [cell for run in runs for cell in (run.training, run.evaluation)]

    def kept(self, outcomes: Mapping[str, Outcome]) -> set[str]:
        """Ids of finished trainings whose artefact may still be wanted: those of a choice that is not yet made."""
        choices = self.choices(outcomes)
        open_searches = [each for each in self.searches if (each.setting, each.variant) not in choices]
        return {cell.id for search in open_searches for cell in search.cells}

    def unknown(self, outcomes: Mapping[str, Outcome]) -> list[Run]:
        """Runs at the paper's rate that will be repeated at another, as far as the choice is still open."""
        if not self.experiment.rates:
            return []
        choices = self.choices(outcomes)
        return [
            run
            for run in self.runs(outcomes)
            if run.track == "paper" and (run.setting.name, run.variant) not in choices
        ]
