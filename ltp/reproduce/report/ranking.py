"""Which method is better, as far as can be told: rankings with intervals, and each method against each."""

from __future__ import annotations

from collections.abc import Iterator

from ltp.config import LABELS
from ltp.reproduce.plan.variant import Variant
from ltp.reproduce.report import formats, paper
from ltp.reproduce.report.document import Block, Section, Table, TableCell, Text
from ltp.reproduce.report.report_source import ReportSource
from ltp.reproduce.report.results import Standings
from ltp.reproduce.report.statistics import RESAMPLES

LEVEL = 0.05
CHANCE = 1 / len(LABELS)
METHOD = (
    "Intervals and tests are a paired bootstrap over seeds and test pairs ({resamples:,} resamples, the same for every"
    " method; a pair that stands in several languages is drawn for all of them). p is two-sided; the last column allows"
    " for all comparisons of a table (Holm). Intervals are rather too narrow: they cannot show seeds that were not"
    " tried, and pairs of one premise are drawn as if they were independent."
)


def sections(source: ReportSource) -> Iterator[Section]:
    """The orders, if any two methods can be compared."""
    standings = [
        each
        for setting in source.experiment.settings
        for track in source.results.tracks
        for each in sorted(source.results.standings(setting, track), key=lambda standings: standings.shots or 0)
    ]
    if standings:
        blocks = [block for each in standings for block in _blocks(source, each)]
        yield Section("Order of the methods", [Text(METHOD.format(resamples=RESAMPLES)), *blocks])


def _blocks(source: ReportSource, standings: Standings) -> Iterator[Block]:
    where = "over all K" if standings.shots is None else f"K = {standings.shots}"
    rate = formats.track(standings.track, source.experiment.paper_rate)
    yield Text(f"{standings.setting.title}, {rate}, {where}: {sentence(standings)}")
    columns = ["place", "method", "accuracy", "95 % interval", *(["paper"] if standings.setting.paper else [])]
    rows = []
    for place, (key, mean) in enumerate(standings.means.items(), start=1):
        row = [
            str(place),
            Variant.parse(key).label,
            formats.percent(mean),
            formats.interval(standings.intervals[key]),
        ]
        if standings.setting.paper:
            printed = _paper(source, standings, key)
            row.append("–" if printed is None else f"{printed:.2f}")
        rows.append([TableCell(text) for text in row])
    yield Table(columns, rows, words=2)
    yield Table(
        ["better", "worse", "difference", "95 % interval", "p", "p, adjusted"],
        [
            [
                TableCell(Variant.parse(each.first).label),
                TableCell(Variant.parse(each.second).label),
                TableCell(formats.signed(each.difference)),
                TableCell(formats.interval(each.interval)),
                TableCell(f"{each.p:.4f}"),
                TableCell(f"{each.adjusted:.4f}"),
            ]
            for each in standings.comparisons
        ],
        words=2,
    )


def sentence(standings: Standings) -> str:
    """The order in words, and how much of it is more than chance."""
    order, above = "", None
    for key, mean in standings.means.items():
        sign = "" if above is None else " = " if mean == above else " > "
        order, above = f"{order}{sign}{Variant.parse(key).label} ({formats.percent(mean)})", mean
    sure = sum(each.adjusted < LEVEL for each in standings.comparisons)
    total = formats.count(len(standings.comparisons), "difference")
    seeds = formats.count(standings.seeds, "seed")
    said = f"{order}; {sure} of {total} significant at 5 % after adjustment, from {seeds}."
    unproven = [Variant.parse(key).label for key, each in standings.intervals.items() if each.low <= CHANCE]
    if not unproven:
        return said
    which = "all of them" if len(unproven) == len(standings.means) else ", ".join(unproven)
    return f"{said} No better than guessing (33.3), as far as this shows: {which}."


def _paper(source: ReportSource, standings: Standings, key: str) -> float | None:
    """The paper's average over the same languages, and over the same K."""
    table = paper.table(standings.setting.paper or "")
    scored = source.grid.scored[standings.setting.name]
    shots = standings.setting.shots if standings.shots is None else (standings.shots,)
    averages = [table.average(each, key, scored) for each in shots]
    known = [average for average in averages if average is not None]
    return sum(known) / len(known) if len(known) == len(averages) else None
