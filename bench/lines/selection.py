"""Drawing 20 % of XLM-R base's parameters from a drift, compared with one Python list and `numpy.partition`."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator

import numpy as np

from bench import made_up
from bench.figure import Figure
from bench.lines import Options
from bench.side import Measured, extra_mb, run, timed
from ltp.backbone.strategy import Strategy
from ltp.config import TicketConfig
from ltp.ticket.selection import select

NUMBER, TITLE = 2, "Selection of 20 % of 278 M parameters"
FASTER, LEANER = 50, 1 / 20
PEER = (
    "as composable-sft selects (at 29f7872, Apache-2.0): list.extend(difference.tolist()) of every tensor, "
    "numpy.partition, difference >= threshold; given the differences"
)
CASES: dict[Strategy, str] = {
    "decoupled": "rows of a 16,000-sentence corpus moved, all others counted in",
    "tied": "all moved",
}


def figures(_: Options) -> Iterator[Figure]:
    """Three rows a case: time, extra memory, exactness."""
    for strategy, what in CASES.items():
        ours, peer = (run(f"{__name__}:{side}", strategy=strategy) for side in ("ours", "peer"))
        yield Figure.faster(NUMBER, f"time ({what})", ours, peer, unit="M values", limit=FASTER, peer_is=PEER)
        yield Figure.compared(
            NUMBER,
            f"extra memory ({what})",
            "MB",
            ours=ours.detail["extra_mb"],
            peer=peer.detail["extra_mb"],
            goal="at most",
            limit=LEANER,
        )
        counts = {"wanted": ours.detail["wanted"], "ours": ours.detail["active"], "peer": peer.detail["active"]}
        off = abs(counts["ours"] - counts["wanted"])
        yield Figure.absolute(
            NUMBER, f"off the wanted count ({what})", "parameters", off, goal="at most", limit=0, counts=counts
        )


def ours(strategy: Strategy) -> Measured:
    """What a ticket job runs, on the drift as it is stored."""
    drift, config = made_up.drift(strategy), TicketConfig(active_ratio=made_up.RATIO)
    gc.collect()
    extra = extra_mb(
        lambda: select(drift, config)
    )  # the first of all, so that no room is left over from an earlier one
    seconds = timed(lambda: select(drift, config), runs=7)
    ticket = select(drift, config)
    counts = {"wanted": round(made_up.RATIO * drift.selectable), "active": ticket.active}
    return Measured(seconds, units=drift.selectable / 1e6, detail={"extra_mb": extra, **counts})


def peer(strategy: Strategy) -> Measured:
    """The published way, on the same numbers: absolute differences in fp32, ready made."""
    drift = made_up.drift(strategy)
    differences = {name: drift.dense(name) for name in drift.shapes}
    drift.values.clear()
    wanted = round(made_up.RATIO * drift.selectable)
    seconds, active = [], []

    def work() -> None:
        began = time.perf_counter()
        everything: list[float] = []
        for difference in differences.values():
            everything.extend(difference.flatten().tolist())
        threshold = np.partition(everything, len(everything) - wanted)[-wanted]
        masks = {name: difference >= threshold for name, difference in differences.items()}
        seconds.append(time.perf_counter() - began)
        active.append(sum(int(mask.sum()) for mask in masks.values()))

    extra = extra_mb(work)
    return Measured(seconds, units=drift.selectable / 1e6, detail={"extra_mb": extra, "active": active[0]})
