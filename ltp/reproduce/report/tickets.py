"""Tickets: how much of them moved, and where in the model they are (figure 3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ltp.reproduce.plan.variant import Variant
from ltp.reproduce.report import formats, paper
from ltp.reproduce.report.document import Block, Figure, Section, Table, TableCell, Text
from ltp.reproduce.report.figures import distribution
from ltp.reproduce.report.report_source import ReportSource

MOST_DRAWN = 8
PRINTED = (
    "The paper prints the embeddings' share for two strategies, 69 % for tied and 39 % for decoupled, and does not say"
    " of which ratio; figure 2, beside which it stands, takes 20 %. XLM-R base's own embeddings hold 69 % of its"
    " parameters: the paper's figure for tied equals that."
)


def sections(source: ReportSource) -> Iterator[Section]:
    """What is known of the tickets, if there is one."""
    outcomes = {
        variant: outcome
        for variant, cell in source.grid.tickets.items()
        if (outcome := source.results.outcomes.get(cell.id))
    }
    if outcomes:
        yield Section("Tickets", [*_blocks(source, outcomes)])


def _blocks(source: ReportSource, outcomes: dict[Variant, dict[str, Any]]) -> Iterator[Block]:
    own = next(iter(outcomes.values()))["embeddings_own_share"]["model"]
    yield Text(
        f"The embeddings hold {formats.percent(own)} % of this backbone's parameters. A ticket's share above that is"
        " concentration in the embeddings, one below it in the layers. Parameters whose drift is zero never moved:"
        " a ticket that contains some was filled up by order."
    )
    if any(paper.embeddings_share(variant.key) for variant in outcomes):
        yield Text(PRINTED)
    columns = ["ticket", "active", "of selectable", "moved", "zero drift", "embeddings' share", "paper"]
    yield Table(columns, [_row(variant, outcome) for variant, outcome in outcomes.items()])
    chosen = {
        variant: outcomes[variant] for variant in (source.experiment.tickets or tuple(outcomes)) if variant in outcomes
    }
    if 1 <= len(chosen) <= MOST_DRAWN:
        layers = {variant.label: outcome["distribution"] for variant, outcome in chosen.items()}
        caption = "Share of the active parameters in the embeddings and in each Transformer layer."
        yield Figure("distribution", distribution("distribution", layers), caption)
        yield _by_layer(chosen)


def _row(variant: Variant, outcome: dict[str, Any]) -> list[TableCell]:
    share, printed = embeddings_share(outcome), paper.embeddings_share(variant.key)
    return [
        TableCell(variant.label),
        TableCell(f"{outcome['active']:,}"),
        TableCell(f"{outcome['selectable']:,}"),
        TableCell(f"{outcome['moved']:,}"),
        TableCell(f"{outcome['zero_drift']:,}"),
        TableCell(f"{formats.percent(share)} %"),
        TableCell("–" if printed is None else f"{printed:.0f} %"),
    ]


def embeddings_share(outcome: dict[str, Any]) -> float:
    """The embeddings' share of a ticket's active parameters."""
    return float(next((each["share"] for each in outcome["distribution"] if each["layer"] == "embeddings"), 0.0))


def _by_layer(chosen: dict[Variant, dict[str, Any]]) -> Table:
    layers = [each["layer"] for each in next(iter(chosen.values()))["distribution"]]
    rows = []
    for variant, outcome in chosen.items():
        cells = [
            TableCell(f"{formats.percent(each['share'])}", below=f"density {formats.percent(each['density'])}")
            for each in outcome["distribution"]
        ]
        rows.append([TableCell(variant.label), *cells])
    caption = "Share of the active parameters in per cent, and the active part of each layer's own."
    return Table(["ticket", *map(str, layers)], rows, caption)
