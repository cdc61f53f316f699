"""The document and the JSON of a report, put together from its parts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ltp.reproduce.plan.bounds import differences
from ltp.reproduce.report import accuracy, caveats, cost, formats, paper, provenance, ranking, tickets
from ltp.reproduce.report.document import Document
from ltp.reproduce.report.report_source import ReportSource
from ltp.reproduce.report.results import Line


def document(source: ReportSource) -> Document:
    """The whole report."""
    done, total = len(source.done), source.total
    state = f"{done} of {formats.count(total, 'cell')} done"
    lead = f"{source.full.about} Backbone: {source.backbone.name}. {state} in {formats.duration(source.seconds)}."
    parts = (caveats, accuracy, ranking, tickets, cost, provenance)
    return Document(source.full.title, lead, [section for part in parts for section in part.sections(source)])


def summary(source: ReportSource) -> list[str]:
    """The orders of methods, one sentence a setting and learning rate: over all K, or at the only one."""
    said = []
    for setting in source.experiment.settings:
        for track in source.results.tracks:
            standings = source.results.standings(setting, track)
            if over_all := [each for each in standings if each.shots is None] or standings[-1:]:
                rate = formats.track(track, source.experiment.paper_rate)
                said.append(f"{setting.title}, {rate}: {ranking.sentence(over_all[0])}")
    return said


def facts(source: ReportSource) -> dict[str, Any]:
    """Everything the report says, and the samples' rows, as JSON has it."""
    results, grid = source.results, source.grid
    lines = [
        _line(line)
        for setting in source.experiment.settings
        for track in results.tracks
        for line in results.lines(setting, track)
    ]
    standings = [
        asdict(each) | {"setting": each.setting.name}
        for setting in source.experiment.settings
        for track in results.tracks
        for each in results.standings(setting, track)
    ]
    cells = {variant.key: results.outcomes.get(cell.id) for variant, cell in grid.tickets.items()}
    return {
        "experiment": source.experiment.facts(),
        "command": source.command,
        "bounded": differences(source.full, source.experiment),
        "backbone": {"name": source.backbone.name, "paper_backbone": source.is_paper_backbone},
        "identity": source.identity.facts(),
        "machine": dict(source.machine),
        "cells": {"done": len(source.done), "total": source.total},
        "seconds": round(source.seconds, 1),
        "peak_rss_mb": source.peak_rss_mb,
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
