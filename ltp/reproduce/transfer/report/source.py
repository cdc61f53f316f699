"""What a transfer report is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ltp.backbone.manifest import BackboneInfo
from ltp.reproduce.run.identity import Identity
from ltp.reproduce.run.ledger import CellRecord
from ltp.reproduce.transfer.experiment import TransferExperiment
from ltp.reproduce.transfer.grid import TransferGrid
from ltp.reproduce.transfer.report.results import TransferResults


@dataclass(frozen=True)
class TransferSource:
    """Everything a report is made from."""

    full: TransferExperiment
    """As it is written, without bounds."""
    results: TransferResults
    records: Mapping[str, CellRecord]
    identity: Identity
    backbone: BackboneInfo
    machine: Mapping[str, Any]
    command: str = ""

    @property
    def grid(self) -> TransferGrid:
        """The cells."""
        return self.results.grid

    @property
    def experiment(self) -> TransferExperiment:
        """Within its bounds."""
        return self.grid.experiment

    @property
    def done(self) -> list[CellRecord]:
        """The records of the cells that are finished."""
        return [self.records[cell.id] for cell in self.grid.cells if cell.id in self.records]

    @property
    def seconds(self) -> float:
        """Wall time of the finished cells."""
        return sum(record.seconds for record in self.done)
