"""What a report is made from: an experiment, what its bounds left of it, its results, and how they came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ltp.backbone.manifest import BackboneInfo
from ltp.reproduce.data.text import UnlabelledText
from ltp.reproduce.plan.cell import Cell
from ltp.reproduce.plan.experiment import Experiment
from ltp.reproduce.plan.grid import Grid
from ltp.reproduce.report.results import Results
from ltp.reproduce.run.identity import Identity
from ltp.reproduce.run.ledger import CellRecord

XLMR_BASE = ("xlm-roberta-base", 12, 768, 250002)
"""The paper's backbone (4.2): the end of its name before a revision, layers, hidden size and vocabulary."""


@dataclass(frozen=True)
class ReportSource:
    """Everything a report is made from."""

    full: Experiment
    """As it is written, without bounds."""
    results: Results
    records: Mapping[str, CellRecord]
    """All that the ledger holds, other experiments' cells among them."""
    identity: Identity
    backbone: BackboneInfo
    text: UnlabelledText | None
    machine: Mapping[str, Any]
    command: str = ""
    """What to type to have the same again."""

    @property
    def grid(self) -> Grid:
        """The cells."""
        return self.results.grid

    @property
    def experiment(self) -> Experiment:
        """Within its bounds."""
        return self.grid.experiment

    @property
    def is_paper_backbone(self) -> bool:
        """Whether figures can be held against the paper's: this is XLM-R base, by its name and its sizes."""
        info = self.backbone
        name = info.name.partition("@")[0].rpartition("/")[2]
        return (name, info.layers, info.hidden, info.vocabulary) == XLMR_BASE

    @property
    def cells(self) -> list[Cell]:
        """Every cell that is known."""
        return self.grid.cells(self.results.outcomes)

    @property
    def done(self) -> list[CellRecord]:
        """The records of those that are finished."""
        return [self.records[cell.id] for cell in self.cells if cell.id in self.records]

    @property
    def total(self) -> int:
        """Cells known and expected."""
        return len(self.cells) + 2 * len(self.grid.unknown(self.results.outcomes))

    @property
    def seconds(self) -> float:
        """Wall time of the finished cells."""
        return sum(record.seconds for record in self.done)

    @property
    def peak_rss_mb(self) -> float:
        """The largest a process was that did one of them."""
        return max((record.peak_rss_mb for record in self.done), default=0.0)
