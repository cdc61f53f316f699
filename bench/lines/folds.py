"""Line 15: the folds of one training side by side on the cores, in one process, on one copy of the model.

What a service does by default with 48 + 48 pairs: from the starter, four folds; but two epochs, for further ones are
alike. Both sides train in turn in processes of their own, with one thread and with two, to the same bits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.figure import Figure
from bench.lines import Options
from bench.turns import take_turns

if TYPE_CHECKING:
    from ltp.adapter.start import Start
    from ltp.backbone.load import Backbone
    from ltp.text.examples import Example
    from ltp.ticket.mask import Ticket

NUMBER, TITLE = 15, "Folds of one training side by side, `mini`"
FASTER, CORES, TURNS = 1.7, 2, 2
EPOCHS = 2
LANGUAGE = "sw"


def figures(_: Options) -> Iterator[Figure]:
    """One row from the starter, and one from pretrained values, where a run on all pairs goes along."""
    for started in (True, False):
        given: dict[str, Any] = {"started": started, "epochs": EPOCHS}
        taken = take_turns(f"{__name__}:on_one", f"{__name__}:on_all", turns=TURNS, warmup=0, **given)
        yield Figure.absolute(
            NUMBER,
            f"{CORES} cores against one, 48 + 48 pairs, from {'the starter' if started else 'pretrained values'}",
            "times as fast",
            median(one / several for one, several in taken),
            goal="at least",
            limit=FASTER,
            one_s=[one for one, _ in taken],
            several_s=[several for _, several in taken],
            memory="one process, one backbone; each run has its own values, moments and working copies",
        )


def on_one(*, started: bool, epochs: int) -> Iterator[float]:
    """Seconds of a whole training by one thread."""
    return _trainings(1, started=started, epochs=epochs)


def on_all(*, started: bool, epochs: int) -> Iterator[float]:
    """Seconds of a whole training by a thread a core."""
    return _trainings(CORES, started=started, epochs=epochs)


def _trainings(threads: int, *, started: bool, epochs: int) -> Iterator[float]:
    import torch

    from ltp.adapter.crossfit.train import cross_fit_adapter
    from ltp.config import AdapterConfig

    torch.set_num_threads(threads)
    backbone, ticket, start, examples = given_to(LANGUAGE)
    config = AdapterConfig(estimate="cross_fit", epochs=epochs)
    yield 0.0
    while True:
        began = time.perf_counter()
        cross_fit_adapter(
            backbone, ticket, method="ltp", train=examples, config=config, start=start if started else None
        )
        yield time.perf_counter() - began


def given_to(language: str) -> tuple[Backbone, Ticket | None, Start, list[Example]]:
    """Backbone, ticket and start that a service has for `mini`, and the project's own pairs of a language."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from bench.material import ROOT, backbone
    from ltp.adapter.artefact import read_export
    from ltp.adapter.start import start_from
    from ltp.backbone.load import load_backbone
    from ltp.starter import find
    from ltp.starter.package import unpack
    from ltp.text.examples import read_examples

    pretrained = load_backbone(backbone("mini"))
    shipped = find(pretrained.info.fingerprint)
    assert shipped is not None
    with TemporaryDirectory(prefix="ltp-bench-") as folder:
        export = read_export(unpack(shipped, Path(folder), backbone=pretrained.info), pretrained.info)
    start = start_from(export.adapter, export.ticket, export.ticket, pretrained)
    files = [ROOT / "examples" / f"{language}-{part}.jsonl" for part in ("train", "dev")]
    return pretrained, export.ticket, start, [each for file in files for each in read_examples(file)]
