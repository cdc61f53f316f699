"""Drawings as SVG: accuracy by K, accuracy by active ratio, and the distribution of tickets over the layers."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES = (8.0, 4.2)
COLOURS = ("#2f6690", "#b5652b", "#3a7d44", "#8d5a97", "#c0392b", "#5f6b73", "#d4a017", "#1b998b")
NO_NAMES = {"Date": None, "Creator": None, "Format": None, "Type": None}
"""What matplotlib would write into a file: the same results give the same bytes."""


@dataclass(frozen=True)
class Curve:
    """Points with deviations where there are any, and the paper's figures for the same."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    deviations: Sequence[float | None]
    paper: Sequence[float | None]


@contextmanager
def _drawing(name: str) -> Iterator[tuple[Axes, io.StringIO]]:
    """An empty panel, and where its SVG will be."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    target = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "path", "font.size": 9.0}):
        figure, panel = plt.subplots(figsize=INCHES, layout="constrained")
        panel.grid(axis="y", color="#e2e2e2", linewidth=0.6)
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
        try:
            yield panel, target
            figure.savefig(target, format="svg", metadata=NO_NAMES)
        finally:
            plt.close(figure)


def curves(name: str, drawn: Sequence[Curve], *, x: str, doubling: bool) -> str:
    """Accuracy in per cent over `x`, whose axis doubles if wanted; the paper's figures are dotted."""
    with _drawing(name) as (panel, target):
        for index, curve in enumerate(drawn):
            colour = COLOURS[index % len(COLOURS)]
            bars = [100 * (deviation or 0.0) for deviation in curve.deviations]
            y = [100 * value for value in curve.y]
            panel.errorbar(
                curve.x, y, bars, label=_plain(curve.label), color=colour, marker="o", markersize=4, capsize=2
            )
            known = [(at, 100 * value) for at, value in zip(curve.x, curve.paper, strict=True) if value is not None]
            if known:
                panel.plot(*zip(*known, strict=True), color=colour, linestyle=":", linewidth=1)
        if doubling:
            panel.set_xscale("log", base=2)
        ticks = sorted({at for curve in drawn for at in curve.x})
        panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        panel.minorticks_off()
        panel.set_xlabel(x)
        panel.set_ylabel("accuracy, %")
        panel.legend(fontsize=8, frameon=False, ncols=2)
    return target.getvalue()


def distribution(name: str, tickets: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Each ticket's share of active parameters in the embeddings and every layer, bars side by side."""
    with _drawing(name) as (panel, target):
        width = 0.8 / len(tickets)
        for index, (label, layers) in enumerate(tickets.items()):
            places = [at + (index - (len(tickets) - 1) / 2) * width for at in range(len(layers))]
            shares = [100 * layer["share"] for layer in layers]
            colour = COLOURS[index % len(COLOURS)]
            panel.bar(places, shares, width=width, label=_plain(label), color=colour)
        first = next(iter(tickets.values()))
        names = ["0 (emb.)" if layer["layer"] == "embeddings" else str(layer["layer"]) for layer in first]
        panel.set_xticks(range(len(names)), names)
        panel.set_xlabel("embeddings and Transformer layers")
        panel.set_ylabel("share of the active parameters, %")
        panel.legend(fontsize=8, frameon=False)
    return target.getvalue()


def _plain(label: str) -> str:
    """A label that matplotlib does not take for mathematics, nor for one to leave out."""
    return label.replace("$", r"\$").lstrip("_")
