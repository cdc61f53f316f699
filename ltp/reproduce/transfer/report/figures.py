"""Accuracies of every target with their intervals, and the tests between recipes."""

from __future__ import annotations

from collections.abc import Iterator

from ltp.reproduce.report import formats
from ltp.reproduce.report.document import Block, Section, Table, TableCell, Text
from ltp.reproduce.transfer.experiment import Goal, shots_of, shots_word
from ltp.reproduce.transfer.report.results import Figure, Tested, TransferLine
from ltp.reproduce.transfer.report.source import TransferSource

NONE = "–"
PRETRAINED = "none"
SIGNIFICANT = 0.05


def sections(source: TransferSource) -> Iterator[Section]:
    """What was hoped for, then each target."""
    if source.experiment.goals:
        yield Section("What was hoped for", [_goals(source)])
    for target in source.experiment.targets:
        lines = source.results.known(target)
        if lines:
            yield Section(target.title, [*_blocks(source, lines)])


def _blocks(source: TransferSource, lines: list[TransferLine]) -> Iterator[Block]:
    yield Text(
        "Accuracy in per cent, mean over seeds, and below it the 95 % interval: premises of the test file and seeds"
        " drawn anew. The mean is there once every language is scored. K counts examples of each label on each side of"
        " a sample; what is cross-fitted trains on both."
    )
    target = lines[0].target
    rows = [
        [
            TableCell(shots_word(line.shots)),
            TableCell(line.recipe.title, below=_state(source, line)),
            TableCell(line.starter or PRETRAINED),
            *(_cell(source.results.figure(line, [language])) for language in target.languages),
            _cell(source.results.figure(line, target.languages)),
        ]
        for line in lines
    ]
    yield Table(["K", "recipe", "starter", *target.languages, "mean"], rows, words=3)
    if tests := source.results.tests(target):
        yield Text(
            "Each recipe less the one it is held against, on the same pairs with the same samples: difference in"
            " points, its 95 % interval, how surprising that would be by chance (two-sided bootstrap), and the same"
            " allowing for all tests of this table (Holm)."
        )
        yield Table(
            ["K", "recipe", "starter", "against", "languages", "seeds", "difference", "interval", "p", "adjusted"],
            [_test(each) for each in tests],
            words=4,
        )


def _state(source: TransferSource, line: TransferLine) -> str:
    """What is not as it should be."""
    wanted = source.experiment.seeds if line.recipe.trains else 1
    seeds = [len(line.hits.get(language, ())) for language in line.target.languages]
    said = [f"{min(seeds)} of {wanted} seeds"] if min(seeds) < wanted else []
    return ", ".join(said + ([f"{line.diverged} diverged"] if line.diverged else []))


def _cell(figure: Figure | None) -> TableCell:
    if figure is None:
        return TableCell(NONE)
    return TableCell(formats.percent(figure.mean), below=formats.interval(figure.interval))


def _test(tested: Tested) -> list[TableCell]:
    told = tested.comparison
    starter = tested.first.starter or tested.second.starter or PRETRAINED
    return [
        TableCell(shots_word(tested.shots)),
        TableCell(told.first),
        TableCell(starter),
        TableCell(told.second),
        TableCell(str(len(tested.languages))),
        TableCell(str(tested.seeds)),
        TableCell(formats.signed(told.difference), mark="best" if told.adjusted < SIGNIFICANT else None),
        TableCell(formats.interval(told.interval)),
        TableCell(f"{told.p:.4f}"),
        TableCell(f"{told.adjusted:.4f}"),
    ]


def _goals(source: TransferSource) -> Table:
    rows = []
    for goal in source.experiment.goals:
        figure, target = goal_figure(source, goal), source.experiment.target(goal.target)
        reached = NONE if figure is None else "yes" if 100 * figure.mean >= goal.at_least else "no"
        rows.append(
            [
                TableCell(f"{target.title}, {goal.language or f'mean of {len(target.languages)}'}"),
                TableCell(source.experiment.recipe(goal.recipe).title),
                TableCell(goal.shots or NONE),
                TableCell(f"{goal.at_least:g}"),
                _cell(figure),
                TableCell(reached),
            ]
        )
    return Table(["of", "recipe", "K", "at least", "clean starter", "reached"], rows, words=2)


def goal_figure(source: TransferSource, goal: Goal) -> Figure | None:
    """What the clean starter's line says of a goal; None before all its languages are scored."""
    target = source.experiment.target(goal.target)
    shots = shots_of(goal.shots) if goal.shots else None
    line = source.results.lines.get(("clean", goal.recipe, target.name, shots))
    languages = [goal.language] if goal.language else list(target.languages)
    return source.results.figure(line, languages) if line else None
