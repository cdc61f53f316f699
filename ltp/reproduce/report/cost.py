"""What it took: time by kind of work, and what each method trains, stores and takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from math import fsum

from ltp.reproduce.report import formats
from ltp.reproduce.report.document import Block, Section, Table, TableCell, Text
from ltp.reproduce.report.report_source import ReportSource
from ltp.reproduce.run.ledger import CellRecord

MEGA = 1e6


def sections(source: ReportSource) -> Iterator[Section]:
    """Time by kind of cell, then a comparison of the methods if any was trained."""
    blocks: list[Block] = [_by_kind(source)]
    if by_method := _trained(source):
        blocks += [_lead(), _by_method(by_method)]
    yield Section("What it took", blocks)


def _by_kind(source: ReportSource) -> Table:
    seconds: dict[str, list[float]] = defaultdict(list)
    for record in source.done:
        seconds[record.kind].append(record.seconds)
    rows = [
        [
            TableCell(kind),
            TableCell(f"{len(each):,}"),
            TableCell(formats.duration(sum(each))),
            TableCell(f"{max(each):,.1f}"),
        ]
        for kind, each in seconds.items()
    ]
    return Table(["kind of cell", "cells", "time", "longest, s"], rows)


def _trained(source: ReportSource) -> dict[str, list[CellRecord]]:
    """The records of the trainings that came to an end, by method."""
    by_method: dict[str, dict[str, CellRecord]] = defaultdict(dict)
    for run in source.grid.runs(source.results.outcomes):
        record = source.records.get(run.training.id)
        if record and "diverged" not in record.outcome:
            by_method[run.variant.label][record.id] = record
    return {label: list(records.values()) for label, records in by_method.items()}


def _lead() -> Text:
    return Text(
        "What a method trains and leaves behind, as means over its trainings above. Of word embeddings only the rows"
        " that the examples use can train. Times are of one machine, whatever else it did."
    )


def _by_method(trained: dict[str, list[CellRecord]]) -> Table:
    rows = []
    for label, records in trained.items():
        outcomes = [record.outcome for record in records]
        parameters = [sum(outcome["parameters"].values()) for outcome in outcomes if "parameters" in outcome]
        sizes = [outcome["bytes"] / MEGA for outcome in outcomes if "bytes" in outcome]
        rows.append(
            [
                TableCell(label),
                TableCell(f"{len(records):,}"),
                TableCell(_mean(parameters, ",.0f")),
                TableCell(_mean(sizes, ",.2f")),
                TableCell(_mean([record.seconds for record in records], ",.1f")),
            ]
        )
    return Table(["method", "trainings", "parameters trained", "adapter, MB", "seconds"], rows)


def _mean(values: list[float] | list[int], style: str) -> str:
    return f"{fsum(values) / len(values):{style}}" if values else "–"
