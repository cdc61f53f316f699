"""`ltp reproduce transfer`: what a starter makes of a few examples, done in this process."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from app.cli.progress import ProgressDisplay, progress_display
from app.cli.reproduce.options import ReproduceOptions
from app.cli.reproduce.shown import located, run_progress

if TYPE_CHECKING:
    from ltp.backbone.manifest import BackboneInfo
    from ltp.reproduce.transfer.reproduction import TransferReproduction
    from ltp.reproduce.transfer.starters import Starter


def run_transfer(options: ReproduceOptions) -> dict[str, Any]:
    """Plan, run or go on, and report."""
    from ltp.reproduce.plan.catalogue import read_table
    from ltp.reproduce.transfer.catalogue import parse
    from ltp.reproduce.transfer.experiment import TransferBounds
    from ltp.reproduce.transfer.reproduction import plan_transfer

    bounds = options.read_transfer()
    experiment, quick = parse(read_table(options.name))
    with progress_display("reproduce") as shown:
        info = located(options.backbone, shown)
        planned = plan_transfer(
            experiment,
            bounds.over(quick if options.quick else TransferBounds()),
            backbone=info,
            starters=_starters(options, info),
            data=options.data,
            output=options.output_folder,
        )
        return _carry_out(planned, options, shown)


def _starters(options: ReproduceOptions, info: BackboneInfo) -> tuple[Starter, ...]:
    """Those that are named; without `--starter`, the package's own if it has one for the backbone."""
    from ltp.reproduce.transfer.starters import read_starters

    given = options.transfer
    with ExitStack() as stack:
        shipped = given.starter
        if shipped is None:
            shipped = _packaged(info, Path(stack.enter_context(TemporaryDirectory(prefix="ltp-starter-"))))
        return read_starters(info, shipped=shipped, clean=given.clean_starter, further=given.further)


def _packaged(info: BackboneInfo, folder: Path) -> Path | None:
    from ltp.starter import find
    from ltp.starter.package import unpack

    found = find(info.fingerprint)
    return unpack(found, folder, backbone=info) if found else None


def _carry_out(planned: TransferReproduction, options: ReproduceOptions, shown: ProgressDisplay) -> dict[str, Any]:
    """Do what is not done yet and write the report, of what is done also when something fails."""
    import torch

    from app.process import HeapTrimmer
    from ltp.backbone.load import load_backbone
    from ltp.reproduce.run.machine import machine
    from ltp.reproduce.transfer.report.contents import summary
    from ltp.reproduce.transfer.work import TransferWorker

    place = options.place
    if place.threads is not None:
        torch.set_num_threads(place.threads)
    device = place.chosen_device()
    worker = TransferWorker(load_backbone(planned.backbone), planned.grid, folder=planned.artefacts, device=device)
    told = {**machine(), "device": device, "threads": torch.get_num_threads()}
    with planned.ledger() as ledger:
        try:
            planned.run(ledger, worker, run_progress(shown, HeapTrimmer().trim_if_due))
        finally:
            source = planned.source(ledger, machine=told, command=options.command)
            written = planned.report(source) if source.done else []
    return {
        "experiment": planned.full.name,
        "orders": summary(source),
        "cells": len(source.done),
        "seconds": round(source.seconds, 1),
        "report": [str(path) for path in written],
    }
