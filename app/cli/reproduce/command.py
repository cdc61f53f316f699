"""`ltp reproduce`: the paper's experiments, or the user's own, here or on a service's workers, with a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from app.cli.command import local_output
from app.cli.option_groups import options_from
from app.cli.output import key_values
from app.cli.progress import ProgressDisplay, progress_display
from app.cli.reproduce.options import PlaceOptions, ReproduceOptions
from app.cli.reproduce.shown import located, run_progress

if TYPE_CHECKING:
    from rich.console import Console

    from ltp.reproduce.reproduction import Reproduction
    from ltp.reproduce.run.executor import Executor


@options_from(ReproduceOptions)
def reproduce(options: ReproduceOptions) -> None:
    """Run an experiment and write a report; what is finished is kept, also if this is interrupted."""
    with local_output(options.as_json) as output:
        result = _run(options)
        output.show(result, lambda console: _print(console, result))


def _run(options: ReproduceOptions) -> dict[str, Any]:
    from app.process import HeapTrimmer
    from ltp.reproduce.plan import catalogue
    from ltp.reproduce.plan.bounds import Bounds
    from ltp.reproduce.reproduction import plan
    from ltp.reproduce.transfer.catalogue import is_transfer

    options.place.chosen_device()  # before anything is read or prepared
    if is_transfer(catalogue.read_table(options.name)):
        from app.cli.reproduce.transfer import run_transfer

        return run_transfer(options)
    options.check_of_paper()
    experiment, quick_bounds = catalogue.load(options.name)
    bounds = options.bounds.read().over(quick_bounds if options.quick else Bounds())
    with progress_display("reproduce") as shown:
        info = located(options.backbone, shown)
        planned = plan(
            experiment, bounds, backbone=info, data=options.data, output=options.output_folder, text=options.text
        )
        with _executor(options.place, planned) as executor:
            return carry_out(planned, executor, shown, command=options.command, trim=HeapTrimmer().trim_if_due)


@contextmanager
def _executor(place: PlaceOptions, planned: Reproduction) -> Iterator[Executor]:
    """What does the cells: this process, or a service's workers."""
    data, sentences, folder = planned.grid.data, planned.sentences, planned.artefacts
    if place.on_workers:
        from app.cli.client import connect
        from app.cli.reproduce.service_executor import ServiceExecutor

        with (
            connect(place.url, place.api_key) as client,
            ServiceExecutor(client, planned.backbone, data, sentences, folder=folder) as executor,
        ):
            yield executor
        return

    import torch

    from ltp.backbone.load import load_backbone
    from ltp.reproduce.run.in_process import InProcessExecutor

    if place.threads is not None:
        torch.set_num_threads(place.threads)
    backbone = load_backbone(planned.backbone)
    yield InProcessExecutor(backbone, data, sentences, folder=folder, device=place.chosen_device())


def carry_out(
    planned: Reproduction, executor: Executor, shown: ProgressDisplay, *, command: str, trim: Callable[[], object]
) -> dict[str, Any]:
    """Do what is not done yet and write the report, of what is done also when something fails.

    `trim` is called all along, to return memory that the C library holds on to: a run takes hours.
    """
    from ltp.reproduce.report.contents import summary

    for setting, missing in planned.grid.missing.items():
        if missing:
            shown.log(f"{setting}: no test file of {', '.join(missing)}")
    executor.check(planned.grid.cells({}))  # before the folder belongs to what will not be run
    with planned.ledger() as ledger:
        try:
            planned.run(ledger, executor, run_progress(shown, trim))
        finally:
            source = planned.report_source(ledger, executor, command=command)
            written = planned.report(source) if source.done else []
    return {
        "experiment": planned.full.name,
        "orders": summary(source),
        "cells": len(source.done),
        "seconds": round(source.seconds, 1),
        "report": [str(path) for path in written],
    }


def _print(console: Console, result: dict[str, Any]) -> None:
    from rich.markup import escape

    for sentence in result["orders"]:
        console.print(escape(sentence))
    console.print(key_values([("report", path) for path in result["report"]]))
