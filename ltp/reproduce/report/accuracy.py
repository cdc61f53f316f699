"""Accuracies next to the paper's: one table and one drawing for each setting and learning rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ltp.reproduce.plan.experiment import Setting
from ltp.reproduce.plan.grid import Track
from ltp.reproduce.plan.rates import format_rate
from ltp.reproduce.report import formats
from ltp.reproduce.report.document import Block, Figure, Mark, Section, Table, TableCell, Text
from ltp.reproduce.report.figures import Curve, curves
from ltp.reproduce.report.report_source import ReportSource
from ltp.reproduce.report.results import Line
from ltp.reproduce.report.statistics import Spread

AVERAGE = "average"
RATIOS = 3
"""So many ratios of one kind of ticket are drawn as a curve (figure 2b)."""


def sections(source: ReportSource) -> Iterator[Section]:
    """Every setting at each learning rate."""
    for setting in source.experiment.settings:
        for track in source.results.tracks:
            lines = source.results.lines(setting, track)
            if lines:
                title = f"{setting.title}, {formats.track(track, source.experiment.paper_rate)}"
                yield Section(title, [*_blocks(source, setting, track, lines)])


def _blocks(source: ReportSource, setting: Setting, track: Track, lines: Sequence[Line]) -> Iterator[Block]:
    yield Text(_legend(source, setting))
    yield _table(source, setting, track, lines)
    name = f"{setting.name}-{track}"
    if len(setting.shots) > 1 and any(line.average for line in lines):
        drawn = [curve for variant in setting.methods if (curve := _by_shots(lines, variant.key))]
        svg = curves(f"{name}-shots", drawn, x="examples of each label, K", doubling=True)
        yield Figure(f"{name}-shots", svg, f"Accuracy averaged over the languages, by K. {_bars(setting)}")
    by_ratio = [curve for shots in setting.shots if (curve := _by_ratio(lines, shots))]
    if by_ratio:
        svg = curves(f"{name}-ratios", by_ratio, x="active parameters, %", doubling=False)
        yield Figure(f"{name}-ratios", svg, f"The same by active ratio, a curve for each K. {_bars(setting)}")


def _bars(setting: Setting) -> str:
    return "Bars are standard deviations" + ("; dotted lines are the paper's." if setting.paper else ".")


def _legend(source: ReportSource, setting: Setting) -> str:
    seeds, scored = source.experiment.seeds, source.grid.scored[setting.name]
    said = [
        "Accuracy in per cent, of a single seed: there are no deviations."
        if seeds == 1
        else f"Accuracy in per cent, mean ± sample standard deviation over {seeds} seeds.",
        f"The average covers the {formats.count(len(scored), 'language')} shown, for the paper's figures, too."
        if setting.paper
        else f"The average covers the {formats.count(len(scored), 'language')} shown.",
        "Of each K the best figure of a column is bold and the second best underlined.",
    ]
    if setting.paper:
        said.append("Below each figure stand the paper's and how far this one is from it.")
    if setting.paper and source.is_paper_backbone:
        said.append("Within and outside tell whether that is at most two of this table's standard deviations.")
    return " ".join(said)


def _table(source: ReportSource, setting: Setting, track: Track, lines: Sequence[Line]) -> Table:
    scored = source.grid.scored[setting.name]
    words = 3 if track == "best" else 2
    rows = []
    for shots in setting.shots:
        block = [line for line in lines if line.shots == shots]
        marks = {language: _marks({line.variant.key: line.spread(language) for line in block}) for language in scored}
        marks[AVERAGE] = _marks({line.variant.key: line.average for line in block})
        for line in block:
            key = line.variant.key
            row = [TableCell(str(shots)), TableCell(line.variant.label, below=_seeds(line, source.experiment.seeds))]
            row += [TableCell(format_rate(line.rate))] if track == "best" else []
            row += [
                _cell(
                    line.spread(language),
                    line.paper(language),
                    marks[language].get(key),
                    base=source.is_paper_backbone,
                )
                for language in scored
            ]
            average = _cell(line.average, line.paper(), marks[AVERAGE].get(key), base=source.is_paper_backbone)
            rows.append([*row, average])
    columns = ["K", "method", *(["rate"] if track == "best" else []), *scored, AVERAGE]
    return Table(columns, rows, words=words)


def _seeds(line: Line, wanted: int) -> str:
    said = []
    if line.diverged:
        said.append(f"{formats.count(len(line.diverged), 'seed')} diverged")
    if len(line.whole) < wanted:
        said.append(f"{len(line.whole)} of {wanted} seeds")
    return ", ".join(said)


def _cell(ours: Spread | None, paper: float | None, mark: Mark | None, *, base: bool) -> TableCell:
    if ours is None:
        return TableCell("–", below="" if paper is None else f"paper {formats.percent(paper, 2)}")
    below = ""
    if paper is not None:
        below = f"paper {formats.percent(paper, 2)}, {formats.signed(ours.mean - paper)}"
        if base and ours.sd is not None:
            below += ", within" if abs(ours.mean - paper) <= 2 * ours.sd else ", outside"
    return TableCell(formats.spread(ours), below, mark)


def _marks(spreads: Mapping[str, Spread | None]) -> dict[str, Mark]:
    """The best and second best of a column, equals alike; nothing where there is nothing to compare."""
    means = {key: round(spread.mean, 9) for key, spread in spreads.items() if spread is not None}
    ranked = sorted(set(means.values()), reverse=True)
    if len(ranked) < 2:
        return {}
    marks: dict[float, Mark] = {ranked[0]: "best", ranked[1]: "second"}
    return {key: marks[mean] for key, mean in means.items() if mean in marks}


def _curve(label: str, points: Sequence[tuple[float, Line]]) -> Curve | None:
    known = [(x, line, line.average) for x, line in points if line.average is not None]
    if not known:
        return None
    return Curve(
        label=label,
        x=[x for x, _, _ in known],
        y=[average.mean for _, _, average in known if average],
        deviations=[average.sd for _, _, average in known if average],
        paper=[line.paper() for _, line, _ in known],
    )


def _by_shots(lines: Sequence[Line], key: str) -> Curve | None:
    own = [line for line in lines if line.variant.key == key]
    return _curve(own[0].variant.label, [(float(line.shots), line) for line in own]) if own else None


def _by_ratio(lines: Sequence[Line], shots: int) -> Curve | None:
    """The plain tickets of a K (`ltp@20`, without options) by their ratio, when there are enough of them."""
    own = [line for line in lines if line.shots == shots and line.variant.ticket and ":" not in line.variant.key]
    if len(own) < RATIOS:
        return None
    return _curve(f"K = {shots}", sorted(((line.variant.percent, line) for line in own), key=lambda point: point[0]))
