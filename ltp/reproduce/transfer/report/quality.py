"""Whether what was published is ever worse than its start, and how certain answers are before and after calibration."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from math import fsum

from ltp.reproduce.plan.cell import Outcome
from ltp.reproduce.report import formats
from ltp.reproduce.report.document import Block, Section, Table, TableCell, Text
from ltp.reproduce.transfer.experiment import shots_word
from ltp.reproduce.transfer.report.results import GuardedRun, TransferLine
from ltp.reproduce.transfer.report.source import TransferSource

PER_CENT = 100


def sections(source: TransferSource) -> Iterator[Section]:
    """The guard, then certainty."""
    if runs := source.results.guarded:
        yield Section("Never worse than where it began", [*_guard(runs)])
    lines = [line for line in source.results.lines.values() if line.outcomes]
    if lines:
        yield Section("Certainty on the test files", [*_certainty(lines)])


def _guard(runs: Sequence[GuardedRun]) -> Iterator[Block]:
    yield Text(
        "Every adapter that was published, by language, K and seed, against the starter it began from on the same test"
        " pairs. Below counts those that are worse by more than the 95 % interval of the difference; of so many"
        " comparisons one in forty would be by chance alone."
    )
    by_recipe: dict[tuple[str, str], list[GuardedRun]] = defaultdict(list)
    for run in runs:
        by_recipe[run.line.recipe.title, run.line.starter].append(run)
    rows = [
        [
            TableCell(title),
            TableCell(starter),
            TableCell(str(len(own))),
            TableCell(str(sum(run.comparison.difference < 0 for run in own))),
            TableCell(str(sum(run.is_below for run in own))),
            TableCell(formats.signed(min(run.comparison.difference for run in own))),
            TableCell(_weights(own)),
        ]
        for (title, starter), own in by_recipe.items()
    ]
    columns = ["recipe", "starter", "adapters", "lower", "below by more than the interval", "lowest", "weights chosen"]
    yield Table(columns, rows, words=2)
    if below := [run for run in runs if run.is_below]:
        rows = [
            [
                TableCell(run.line.recipe.title),
                TableCell(run.line.starter),
                TableCell(f"{run.line.target.title}, {run.language}"),
                TableCell(shots_word(run.line.shots)),
                TableCell(str(run.seed)),
                TableCell(formats.signed(run.comparison.difference), below=formats.interval(run.comparison.interval)),
            ]
            for run in below
        ]
        yield Table(["recipe", "starter", "test", "K", "seed", "difference"], rows, "Those below their start.", words=3)


def _weights(runs: Sequence[GuardedRun]) -> str:
    """How often which share of the way from the start to what was trained was published."""
    chosen = Counter(
        choice["weight"]
        for run in runs
        if (choice := run.line.outcomes[run.language, run.seed].get("report", {}).get("choice"))
    )
    return ", ".join(f"{weight:g}: {count}" for weight, count in sorted(chosen.items())) or "–"


def _certainty(lines: Sequence[TransferLine]) -> Iterator[Block]:
    yield Text(
        "Expected calibration error and log loss, means over languages and seeds, of the answers before and after the"
        " calibration that an adapter carries, which was fitted on out-of-fold answers. A starter without one is the"
        " same before and after."
    )
    rows = []
    for line in lines:
        outcomes = [*line.outcomes.values()]
        fitted = [each for each in outcomes if each.get("calibrated")]
        rows.append(
            [
                TableCell(line.target.title),
                TableCell(line.recipe.title),
                TableCell(line.starter or "none"),
                TableCell(shots_word(line.shots)),
                TableCell(f"{len(fitted)} of {len(outcomes)}"),
                TableCell(_mean(outcomes, "ece", raw=True, scale=PER_CENT, digits=1)),
                TableCell(_mean(outcomes, "ece", raw=False, scale=PER_CENT, digits=1)),
                TableCell(_mean(outcomes, "loss", raw=True)),
                TableCell(_mean(outcomes, "loss", raw=False)),
            ]
        )
    columns = ["test", "recipe", "starter", "K", "calibrated", "ECE before, %", "after", "log loss before", "after"]
    yield Table(columns, rows, words=3)


def _mean(outcomes: Sequence[Outcome], name: str, *, raw: bool, scale: float = 1.0, digits: int = 3) -> str:
    values = [float((outcome["raw"] if raw else outcome)[name]) for outcome in outcomes]
    return f"{scale * fsum(values) / len(values):.{digits}f}"
