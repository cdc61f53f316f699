"""The document and the JSON of a report, put together from its parts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ltp.reproduce.plan.bounds import differences
from ltp.reproduce.report import accuracy, cost, notes, order, origin, paper, tickets, wording
from ltp.reproduce.report.document import Document
from ltp.reproduce.report.results import Line
from ltp.reproduce.report.subject import Subject


def document(subject: Subject) -> Document:
    """The whole report."""
    done, total = len(subject.done), subject.total
    state = f"{done} of {wording.count(total, 'cell')} done"
    lead = f"{subject.full.about} Backbone: {subject.backbone.name}. {state} in {wording.duration(subject.seconds)}."
    parts = (notes, accuracy, order, tickets, cost, origin)
    return Document(subject.full.title, lead, [section for part in parts for section in part.sections(subject)])


def summary(subject: Subject) -> list[str]:
    """The orders of methods, one sentence a setting and learning rate: over all K, or at the only one."""
    said = []
    for setting in subject.experiment.settings:
        for track in subject.results.tracks:
            found = subject.results.standings(setting, track)
            if over_all := [each for each in found if each.shots is None] or found[-1:]:
                rate = wording.track(track, subject.experiment.paper_rate)
                said.append(f"{setting.title}, {rate}: {order.sentence(over_all[0])}")
    return said


def facts(subject: Subject) -> dict[str, Any]:
    """Everything the report says, and the samples' rows, as JSON has it."""
    results, grid = subject.results, subject.grid
    lines = [
        _line(line)
        for setting in subject.experiment.settings
        for track in results.tracks
        for line in results.lines(setting, track)
    ]
    standings = [
        asdict(found) | {"setting": found.setting.name}
        for setting in subject.experiment.settings
        for track in results.tracks
        for found in results.standings(setting, track)
    ]
    cells = {variant.key: results.outcomes.get(cell.id) for variant, cell in grid.tickets.items()}
    return {
        "experiment": subject.experiment.facts(),
        "command": subject.command,
        "bounded": differences(subject.full, subject.experiment),
        "backbone": {"name": subject.backbone.name, "paper_backbone": subject.is_paper_backbone},
        "identity": subject.identity.facts(),
        "machine": dict(subject.machine),
        "cells": {"done": len(subject.done), "total": subject.total},
        "seconds": round(subject.seconds, 1),
        "peak_rss_mb": subject.peak_rss_mb,
        "paper": paper.source(),
        "missing_languages": {name: list(missing) for name, missing in grid.missing.items()},
        "rates": [
            {"setting": setting, "method": variant.key, **choice.facts()}
            for (setting, variant), choice in results.choices.items()
        ],
        "lines": lines,
        "standings": standings,
        "tickets": {key: outcome for key, outcome in cells.items() if outcome},
        "files": [file.facts() for suite in grid.data.opened for file in suite.files],
        "samples": [draw.key() | {"sha256": draw.sha256} for draw in grid.draws],
    }


def _line(line: Line) -> dict[str, Any]:
    languages = {}
    for language in line.languages:
        spread, seeds = line.spread(language), line.accuracies(language)
        languages[language] = {
            "seeds": {str(seed): value for seed, value in seeds.items()},
            "mean": spread.mean if spread else None,
            "sd": spread.sd if spread else None,
            "paper": line.paper(language),
        }
    average = line.average
    return {
        "setting": line.setting.name,
        "track": line.track,
        "method": line.variant.key,
        "shots": line.shots,
        "rate": line.rate,
        "languages": languages,
        "average": {
            "mean": average.mean if average else None,
            "sd": average.sd if average else None,
            "paper": line.paper(),
        },
        "diverged": sorted(line.diverged),
    }
