"""From an experiment, its data and its starters to cells, in the order they are done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from ltp.errors import UnsoundData
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.data.text import UnlabelledText
from ltp.reproduce.transfer.cell import RecipeCell, Scored, TextCell, TransferCell, ZeroShotCell
from ltp.reproduce.transfer.experiment import USUAL, Recipe, Step, Target, TransferExperiment, shots_of
from ltp.reproduce.transfer.shots import Shots
from ltp.reproduce.transfer.sources import SourcePairs
from ltp.reproduce.transfer.starters import Starter
from ltp.reproduce.transfer.texts import read_texts


@dataclass(frozen=True)
class TransferRun:
    """One cell as a figure of the report: several may share a cell."""

    starter: str
    """Its name; empty where training begins from pretrained values, whichever the starter."""
    recipe: Recipe
    target: Target
    language: str
    shots: int | None
    seed: int
    cell: ZeroShotCell | RecipeCell


class TransferGrid:
    """All cells. Making it reads every file that is needed and draws every sample."""

    def __init__(self, experiment: TransferExperiment, data: DataFolder, starters: Sequence[Starter]) -> None:
        """Read, check and draw.

        Raises:
            UnsoundData: a test file is missing, or files contradict each other.
            TooFewExamples: a sample cannot be drawn.
            CorpusError: a language's text cannot be read.
        """
        self.experiment, self.data, self.starters = experiment, data, tuple(starters)
        self.shots = Shots(experiment, data)
        wanted = {language for target in experiment.targets for language in target.languages}
        reads = any(recipe.language_text for recipe in self._recipes())
        self.texts: Mapping[str, UnlabelledText] = read_texts(data.path / experiment.text, wanted) if reads else {}
        self.sources = (
            SourcePairs.read(data, self.shots.translated, experiment.joint_pairs)
            if any(recipe.joint for recipe in self._recipes())
            else None
        )
        self._check_tests()
        self.runs = list(dict.fromkeys(run for step in experiment.steps for run in self._runs(step)))

    def _recipes(self) -> list[Recipe]:
        return [self.experiment.recipe(name) for step in self.experiment.steps for name in step.recipes]

    def _check_tests(self) -> None:
        for target in self.experiment.targets:
            there = self.data.suite(target.test).languages("test")
            if missing := [language for language in target.languages if language not in there]:
                raise UnsoundData(
                    f"{target.test} has no test file of {', '.join(missing)}; there is {', '.join(there)}"
                )

    def _runs(self, step: Step) -> Iterator[TransferRun]:
        """By seed, then starter, then language: an interrupted run has treated all languages alike."""
        targets = [self.experiment.target(name) for name in step.targets] or self.experiment.targets
        recipes = [self.experiment.recipe(name) for name in step.recipes]
        starters = [each for each in self.starters if each.line in (step.lines or USUAL)]
        for word, seed in product(step.shots or self.experiment.shots, range(self.experiment.seeds)):
            for starter, target, recipe in product(starters, targets, recipes):
                for language in target.languages:
                    yield self._run(starter, recipe, target, language, shots_of(word), seed)

    def _run(
        self, starter: Starter, recipe: Recipe, target: Target, language: str, shots: int, seed: int
    ) -> TransferRun:
        plan = self.experiment
        scored = Scored(target.test, language, plan.pairs, plan.precision)
        if not recipe.trains:
            cell = ZeroShotCell(starter.sha256, scored)
            return TransferRun(starter.name, recipe, target, language, None, 0, cell)
        text = self._text(recipe, starter, language)
        own = RecipeCell(
            recipe=recipe if text else self._without_text(recipe),
            starter=starter.sha256 if recipe.starts else "",
            ticket_sha256=starter.ticket.sha256 if recipe.on_ticket else "",
            text=text,
            draw=self.shots.draw(target, language, shots, seed),
            scored=scored,
            sources=self.sources.key if recipe.joint and self.sources else None,
        )
        return TransferRun(starter.name if recipe.starts else "", recipe, target, language, shots, seed, own)

    def _text(self, recipe: Recipe, starter: Starter, language: str) -> TextCell | None:
        text = self.texts.get(language)
        if not recipe.language_text or text is None:
            return None
        plan = self.experiment
        return TextCell(language, text.sha256, starter.ticket.sha256, plan.text_epochs, plan.precision)

    def _without_text(self, recipe: Recipe) -> Recipe:
        """The recipe that is carried out where a language has no text: another one's cell, if that is the same."""
        plain = replace(recipe, language_text=False)
        return next((each for each in self.experiment.recipes if each.facts() == plain.facts()), plain)

    @property
    def cells(self) -> list[TransferCell]:
        """Every cell once, in order, needs first."""
        cells: dict[str, TransferCell] = {}
        for run in self.runs:
            for cell in (*run.cell.needs, run.cell):
                cells.setdefault(cell.id, cell)
        return list(cells.values())
