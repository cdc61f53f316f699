"""What it took: seconds from the examples to an adapter, bytes, values that train; and the runs in languages' texts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from math import fsum
from typing import Any

from ltp.reproduce.plan.cell import Outcome
from ltp.reproduce.report import formats
from ltp.reproduce.report.document import Block, Section, Table, TableCell, Text
from ltp.reproduce.transfer.cell import TextCell
from ltp.reproduce.transfer.experiment import shots_word
from ltp.reproduce.transfer.report.source import TransferSource
from ltp.reproduce.transfer.texts import told_before

KILO = 1000


def sections(source: TransferSource) -> Iterator[Section]:
    """Trainings, then starters, then texts."""
    if trained := _trained(source):
        yield Section("What it took", [_lead(), _trainings(trained)])
    yield Section("Starters", [_starters(source)])
    texts = [cell for cell in source.grid.cells if isinstance(cell, TextCell)]
    if texts:
        yield Section("Languages' own texts", [*_texts(source, texts)])


def _trained(source: TransferSource) -> dict[tuple[str, str], list[Outcome]]:
    by_kind: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for line in source.results.lines.values():
        if line.recipe.trains and line.outcomes:
            by_kind[line.recipe.title, shots_word(line.shots)] += line.outcomes.values()
    return by_kind


def _lead() -> Text:
    return Text(
        "Seconds from the examples in memory to the adapter's file, with the backbone loaded, on this machine, whatever"
        " else it did meanwhile. Values are those that could move."
    )


def _trainings(trained: dict[tuple[str, str], list[Outcome]]) -> Table:
    rows = []
    for (title, shots), outcomes in trained.items():
        seconds = [outcome["seconds"] for outcome in outcomes]
        sizes = [outcome["bytes"] / KILO for outcome in outcomes]
        counts = [sum(outcome["report"].get("parameters", {}).values()) for outcome in outcomes]
        rows.append(
            [
                TableCell(title),
                TableCell(shots),
                TableCell(str(len(outcomes))),
                TableCell(f"{_mean(seconds):.1f}", below=f"at most {max(seconds):.1f}"),
                TableCell(f"{_mean(sizes):,.0f}"),
                TableCell(f"{_mean(counts):,.0f}"),
            ]
        )
    return Table(["recipe", "K", "trainings", "seconds", "adapter, kB", "values"], rows)


def _mean(values: list[Any]) -> float:
    return fsum(values) / len(values)


def _starters(source: TransferSource) -> Table:
    rows = [
        [
            TableCell(starter.name),
            TableCell(starter.sha256),
            TableCell(f"{starter.bytes / KILO:,.0f}"),
            TableCell(f"{formats.percent(starter.ticket.active / starter.ticket.selectable)} %"),
        ]
        for starter in source.grid.starters
    ]
    return Table(["starter", "SHA-256", "export, kB", "ticket"], rows, words=2)


def _texts(source: TransferSource, cells: list[TextCell]) -> Iterator[Block]:
    yield Text(
        "Loss of the masked words of held-out lines, before and after. Known pairs are those of the test file whose"
        " premise or hypothesis is a line of the text, without its label."
    )
    rows = []
    for cell in cells:
        outcome = source.results.outcomes.get(cell.id)
        if outcome:
            report = outcome["report"]
            rows.append(
                [
                    TableCell(cell.label),
                    TableCell("yes" if report.get("helps") else "no"),
                    TableCell(f"{outcome['lines']:,}"),
                    *(TableCell(f"{report['held_out'][when]:.3f}") for when in ("before", "after")),
                    TableCell(f"{_known_pairs(source, cell.language):,}"),
                    TableCell(f"{outcome['seconds']:.0f}"),
                    TableCell(f"{outcome['bytes'] / KILO:,.0f}"),
                ]
            )
    yield Table(["text", "helps", "lines", "loss before", "after", "known pairs", "seconds", "kB"], rows, words=2)


def _known_pairs(source: TransferSource, language: str) -> int:
    target = next(each for each in source.experiment.targets if language in each.languages)
    file = source.grid.data.suite(target.test).file("test", language)
    return told_before(source.grid.texts[language], file.examples)
