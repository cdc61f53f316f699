"""One experiment on one backbone in one folder: planned, run or resumed, reported.

The folder holds `ledger/`, `artefacts/`, and a report for each experiment that was run in it; experiments share what
they have in common, such as drifts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ltp.backbone.manifest import BackboneInfo
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.data.text import UnlabelledText, read_text
from ltp.reproduce.plan.bounds import Bounds
from ltp.reproduce.plan.experiment import Experiment
from ltp.reproduce.plan.grid import Grid
from ltp.reproduce.report.folder import write
from ltp.reproduce.report.report_source import ReportSource
from ltp.reproduce.report.results import Results
from ltp.reproduce.run.executor import Executor
from ltp.reproduce.run.identity import Identity, identify
from ltp.reproduce.run.ledger import Ledger
from ltp.reproduce.run.runner import ExperimentRunner, RunCallback

LEDGER, ARTEFACTS = "ledger", "artefacts"


@dataclass(frozen=True)
class Reproduction:
    """An experiment that is planned: its files are read and checked, its samples drawn."""

    full: Experiment
    grid: Grid
    text: UnlabelledText | None
    backbone: BackboneInfo
    identity: Identity
    output: Path

    @property
    def sentences(self) -> tuple[str, ...]:
        """What drifts are measured on; empty where nothing needs one."""
        return self.text.sentences if self.text else ()

    @property
    def artefacts(self) -> Path:
        """Where an executor on this machine keeps drifts, tickets and adapters."""
        return self.output / ARTEFACTS

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The results in the output folder. Raises LedgerMismatch when they were made otherwise."""
        with Ledger(self.output / LEDGER, self.identity) as ledger:
            yield ledger

    def run(self, ledger: Ledger, executor: Executor, progress: RunCallback | None = None) -> None:
        """Do what is not done yet."""
        ExperimentRunner(self.grid, ledger, executor, progress).run()

    def report_source(self, ledger: Ledger, executor: Executor, *, command: str = "") -> ReportSource:
        """What a report tells of what is done so far, and of the `command` that did it."""
        return ReportSource(
            full=self.full,
            results=Results(self.grid, ledger.outcomes),
            records=ledger.records,
            identity=self.identity,
            backbone=self.backbone,
            text=self.text,
            machine=executor.facts(),
            command=command,
        )

    def report(self, source: ReportSource) -> list[Path]:
        """Write the report; the paths of Markdown, HTML and JSON."""
        return write(source, self.output)


def plan(
    experiment: Experiment,
    bounds: Bounds,
    *,
    backbone: BackboneInfo,
    data: Path,
    output: Path,
    text: Path | None = None,
) -> Reproduction:
    """Read and check all that an experiment within these bounds needs; `text` is a file of sentences for the drifts.

    Raises:
        InvalidExperiment: nothing is left of it, or no language can be scored.
        InvalidConfig: the backbone does not have the layers of a ticket.
        UnsoundData, TooFewExamples, CorpusError: the data folder does not hold what is needed.
    """
    from ltp.backbone.layers import layers_in  # its package imports torch

    bounded = bounds.applied(experiment)
    folder = DataFolder(data)
    tickets = [variant.ticket for variant in bounded.variants if variant.ticket]
    for ticket in tickets:
        layers_in(ticket.layers, backbone.layers)
    unlabelled = read_text(data, text, sentences=bounded.sentences) if tickets else None
    grid = Grid(bounded, folder, unlabelled)
    identity = identify(backbone=backbone.fingerprint, data=folder.fingerprints, text=unlabelled)
    return Reproduction(experiment, grid, unlabelled, backbone, identity, output)
