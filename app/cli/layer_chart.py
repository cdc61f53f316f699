"""A ticket's distribution over the layers as a PNG: share of the ticket, and density of each layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

INCHES = (9.0, 3.8)
DPI = 160
TEN_PERCENT = 0.0995
"""From here on a bar's label needs no decimal."""
EMBEDDINGS_COLOUR, LAYER_COLOUR = "#b5652b", "#2f6690"


def draw(ticket: dict[str, Any], path: Path) -> None:
    """Write the figure for a ticket (the API's JSON) to `path`."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import PercentFormatter

    layers = ["emb." if entry["layer"] == "embeddings" else str(entry["layer"]) for entry in ticket["distribution"]]
    colours = [EMBEDDINGS_COLOUR if name == "emb." else LAYER_COLOUR for name in layers]
    figure, panels = plt.subplots(1, 2, figsize=INCHES, layout="constrained")
    for panel, key, title in zip(
        panels,
        ("share", "density"),
        ("Share of the ticket's active parameters", "Density: active part of each layer"),
        strict=True,
    ):
        values = [entry[key] for entry in ticket["distribution"]]
        bars = panel.bar(layers, values, color=colours, width=0.8)
        panel.bar_label(bars, [_percent(value) for value in values], fontsize=7, padding=1.5, color="#444444")
        panel.set_title(title, fontsize=10, loc="left")
        panel.set_xlabel("embeddings and Transformer layers", fontsize=8)
        panel.yaxis.set_major_formatter(PercentFormatter(1.0))
        panel.tick_params(labelsize=8, length=0)
        panel.grid(axis="y", color="#e2e2e2", linewidth=0.6)
        panel.set_axisbelow(True)
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.margins(x=0.01, y=0.1)
    figure.suptitle(caption(ticket), fontsize=11, x=0.01, ha="left", fontweight="bold")
    figure.savefig(path, dpi=DPI)
    plt.close(figure)


def caption(ticket: dict[str, Any]) -> str:
    """One line on what the figure shows."""
    share = f"{100 * ticket['active'] / ticket['selectable']:.3g} %"
    settings = ", ".join(str(ticket[key]) for key in ("language", "strategy", "rule") if ticket[key])
    return f"{ticket['name'] or 'Ticket'}: {share} of {ticket['selectable'] / 1e6:.1f} M parameters ({settings})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}" if share >= TEN_PERCENT else f"{100 * share:.1f}"
