"""The document and the JSON of a transfer report, put together from their parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ltp.reproduce.report import formats
from ltp.reproduce.report.document import Document, Items, Section, Table, TableCell
from ltp.reproduce.report.provenance import data_and_samples
from ltp.reproduce.transfer.alignment import XNLI
from ltp.reproduce.transfer.report import cost, figures, quality
from ltp.reproduce.transfer.report.results import Tested, figures_of
from ltp.reproduce.transfer.report.source import TransferSource


def document(source: TransferSource) -> Document:
    """The whole report."""
    state = f"{len(source.done)} of {formats.count(len(source.grid.cells), 'cell')} done"
    lead = f"{source.full.about} Backbone: {source.backbone.name}. {state} in {formats.duration(source.seconds)}."
    caveats = Section("Before reading the figures", [Items([*_caveats(source)])])
    parts = [section for part in (figures, quality, cost) for section in part.sections(source)]
    return Document(source.full.title, lead, [caveats, *parts, *_provenance(source)])


def summary(source: TransferSource) -> list[str]:
    """The tests of the clean starter's line, or of what there is, a sentence each."""
    said = []
    for target in source.experiment.targets:
        for each in source.results.tests(target):
            if (each.first.starter or each.second.starter) in ("clean", ""):
                told = each.comparison
                said.append(
                    f"{target.title}: {told.first} {formats.signed(told.difference)} points against {told.second},"
                    f" 95 % {formats.interval(told.interval)}, adjusted p {told.adjusted:.4f}"
                )
    return said


def _caveats(source: TransferSource) -> Iterator[str]:
    plan, names = source.experiment, [starter.name for starter in source.grid.starters]
    if len(source.done) < len(source.grid.cells):
        yield f"Unfinished: {len(source.done)} of {len(source.grid.cells)} cells are done; figures may still change."
    if plan != source.full:
        yield "This run is bounded; the command below says how."
    if "clean" in names:
        yield (
            "AmericasNLI's and AfriXNLI's development rows, which shots are drawn from, translate rows of XNLI's. The"
            " clean starter is meant never to have seen these rows in any language, nor a row of the same premise:"
            " claims are made by its lines. Whether it has is for its card to say; it cannot be read off the file."
        )
    else:
        yield "There is no clean starter here: the one that was used may have seen the rows that the shots translate."
    if source.grid.sources or any(draw.suite == XNLI for draw in source.grid.shots.draws):
        count = len(source.grid.shots.translated)
        yield (
            f"Shots from XNLI's own development set (sw, ur, and AfriXNLI's swa, which has no development file) are"
            f" drawn from the {count:,} rows that AmericasNLI or AfriXNLI translate, with those of the same premises:"
            " rows that the clean starter never saw either."
        )
    if source.grid.texts:
        without = [each for target in plan.targets for each in target.languages if each not in source.grid.texts]
        if without:
            yield f"There is no text of {', '.join(dict.fromkeys(without))}; there, recipes with text do without."
    yield "Test files were scored once a cell and chose nothing: epochs, rates and weights come from the shots alone."
    yield "With three labels, guessing is right in 33.3 % of the pairs on average."
    if plan.pairs is not None:
        yield f"Scored are the first {plan.pairs:,} pairs of each test file, no random sample of it."
    yield from (note for suite in source.grid.data.opened for note in suite.notes())


def _provenance(source: TransferSource) -> Iterator[Section]:
    info, machine = source.backbone, source.machine
    told = {
        "command": source.command,
        "backbone's fingerprint": info.fingerprint,
        "program": source.identity.code,
        "packages": ", ".join(f"{name} {number}" for name, number in machine.get("versions", {}).items()),
        "machine": f"{machine.get('processor')}, {formats.count(machine.get('cores') or 1, 'core')}",
        "device and threads": f"{machine.get('device', '–')}, {machine.get('threads', '–')}",
        "precision": source.experiment.precision,
        "wall time of the cells": formats.duration(source.seconds),
    }
    rows = [[TableCell(name), TableCell(text)] for name, text in told.items()]
    yield Section("To repeat it", [Table(["", ""], rows, words=2)])
    yield from data_and_samples(source.grid.data, source.grid.shots.draws)


def facts(source: TransferSource) -> dict[str, Any]:
    """Everything the report says, as JSON has it."""
    results, grid = source.results, source.grid
    return {
        "experiment": asdict(source.experiment),
        "command": source.command,
        "backbone": {"name": source.backbone.name, "fingerprint": source.backbone.fingerprint},
        "identity": source.identity.facts(),
        "machine": dict(source.machine),
        "cells": {"done": len(source.done), "total": len(grid.cells)},
        "seconds": round(source.seconds, 1),
        "starters": [starter.facts() for starter in grid.starters],
        "lines": _lines(source),
        "tests": [_tested(each) for target in source.experiment.targets for each in results.tests(target)],
        "below_their_start": _below(source),
        "goals": [
            asdict(goal) | {"figure": asdict(figure) if (figure := figures.goal_figure(source, goal)) else None}
            for goal in source.experiment.goals
        ],
        "texts": {
            cell.label: results.outcomes[cell.id]
            for cell in grid.cells
            if cell.kind == "text" and cell.id in results.outcomes
        },
        "files": [file.facts() for suite in grid.data.opened for file in suite.files],
        "samples": [draw.key() | {"sha256": draw.sha256} for draw in grid.shots.draws],
    }


def _lines(source: TransferSource) -> list[dict[str, Any]]:
    """Every line of the tables, with what each language and seed scored."""
    return [
        {
            "target": line.target.name,
            "starter": line.starter,
            "recipe": line.recipe.name,
            "shots": line.shots,
            "figures": figures_of(line, source.results),
            "scored": [
                {"language": language, "seed": seed, **_without_answers(outcome)}
                for (language, seed), outcome in line.outcomes.items()
            ],
        }
        for target in source.experiment.targets
        for line in source.results.known(target)
    ]


def _below(source: TransferSource) -> list[dict[str, Any]]:
    """What is below its start by more than the interval."""
    return [
        {
            "starter": run.line.starter,
            "recipe": run.line.recipe.name,
            "target": run.line.target.name,
            "language": run.language,
            "shots": run.line.shots,
            "seed": run.seed,
            **asdict(run.comparison),
        }
        for run in source.results.guarded
        if run.is_below
    ]


def _without_answers(outcome: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in outcome.items() if name != "predicted"}


def _tested(each: Tested) -> dict[str, Any]:
    plain = {"target": each.target.name, "shots": each.shots, "languages": list(each.languages), "seeds": each.seeds}
    starters = {"starter": each.first.starter, "starter_of_second": each.second.starter}
    return plain | starters | asdict(each.comparison)
