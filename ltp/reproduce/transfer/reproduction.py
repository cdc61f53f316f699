"""One transfer experiment on one backbone in one folder: planned, run or gone on with, reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ltp.backbone.manifest import BackboneInfo
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.report.folder import write_document
from ltp.reproduce.run.identity import Identity, identify
from ltp.reproduce.run.ledger import Ledger
from ltp.reproduce.run.runner import RunCallback
from ltp.reproduce.transfer.experiment import TransferBounds, TransferExperiment
from ltp.reproduce.transfer.grid import TransferGrid
from ltp.reproduce.transfer.report import contents
from ltp.reproduce.transfer.report.results import TransferResults
from ltp.reproduce.transfer.report.source import TransferSource
from ltp.reproduce.transfer.runner import TransferRunner, Worker
from ltp.reproduce.transfer.starters import Starter

LEDGER, ARTEFACTS = "ledger", "artefacts"


@dataclass(frozen=True)
class TransferReproduction:
    """An experiment that is planned: its files are read and checked, its samples drawn."""

    full: TransferExperiment
    grid: TransferGrid
    backbone: BackboneInfo
    identity: Identity
    output: Path

    @property
    def artefacts(self) -> Path:
        """Where languages' deltas are kept."""
        return self.output / ARTEFACTS

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The results in the output folder. Raises LedgerMismatch when they were made otherwise."""
        with Ledger(self.output / LEDGER, self.identity) as ledger:
            yield ledger

    def run(self, ledger: Ledger, worker: Worker, progress: RunCallback | None = None) -> None:
        """Do what is not done yet."""
        TransferRunner(self.grid.cells, ledger, worker, progress).run()

    def source(self, ledger: Ledger, *, machine: Mapping[str, Any], command: str = "") -> TransferSource:
        """What a report tells of what is done so far."""
        results = TransferResults(self.grid, ledger.outcomes)
        return TransferSource(self.full, results, ledger.records, self.identity, self.backbone, machine, command)

    def report(self, source: TransferSource) -> list[Path]:
        """Write the report; the paths of Markdown, HTML and JSON."""
        return write_document(self.full.name, contents.document(source), contents.facts(source), self.output)


def plan_transfer(
    experiment: TransferExperiment,
    bounds: TransferBounds,
    *,
    backbone: BackboneInfo,
    starters: Sequence[Starter],
    data: Path,
    output: Path,
) -> TransferReproduction:
    """Read and check all that an experiment within these bounds needs.

    Raises:
        InvalidExperiment: a bound names what is not in it.
        UnsoundData, TooFewExamples, CorpusError: the data folder does not hold what is needed.
    """
    folder = DataFolder(data)
    grid = TransferGrid(bounds.applied(experiment), folder, starters)
    for target in grid.experiment.targets:
        for language in target.languages:
            folder.suite(target.test).file("test", language)
    identity = identify(backbone=backbone.fingerprint, data=folder.fingerprints, text=None)
    return TransferReproduction(experiment, grid, backbone, identity, output)
