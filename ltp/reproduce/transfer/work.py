"""Doing the cells in this process, one after the other. A language's delta is kept in a file for those that need it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ltp.backbone.load import Backbone
from ltp.errors import TrainingDiverged
from ltp.language_delta.artefact import LanguageDelta
from ltp.progress import ProgressCallback
from ltp.reproduce.plan.cell import Outcome
from ltp.reproduce.transfer.cell import RecipeCell, Scored, TextCell, TransferCell, ZeroShotCell
from ltp.reproduce.transfer.grid import TransferGrid
from ltp.reproduce.transfer.scoring import score_file
from ltp.reproduce.transfer.starters import Starter
from ltp.reproduce.transfer.training import Given, language_delta, train
from ltp.text.examples import Example

REPORTED = ("best_epoch", "choice", "published", "parameters", "steps", "start")
"""Of a training's report, what a transfer report reads."""


class TransferWorker:
    """Does cells; files are under `folder`."""

    def __init__(self, backbone: Backbone, grid: TransferGrid, *, folder: Path, device: str = "cpu") -> None:
        self._backbone, self._grid, self._device = backbone.on(device), grid, device
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._by_file: Mapping[str, Starter] = {each.sha256: each for each in grid.starters}
        self._by_ticket = {each.ticket.sha256: each.ticket for each in grid.starters}

    def holds(self, cell: TextCell) -> bool:
        """Whether the delta is in the folder."""
        return self._path(cell).is_file()

    def do(self, cell: TransferCell, progress: ProgressCallback) -> Outcome:
        """Do a cell. A training whose loss is no number gives `{"diverged": reason}`."""
        match cell:
            case ZeroShotCell():
                starter = self._by_file[cell.starter]
                return self._score(cell.scored, starter.adapter, starter.ticket, progress)
            case TextCell():
                return self._text(cell, progress)
            case RecipeCell():
                return self._recipe(cell, progress)

    def _path(self, cell: TextCell | RecipeCell) -> Path:
        return self._folder / f"{cell.id}.safetensors"

    def _score(self, scored: Scored, adapter: Any, ticket: Any, progress: ProgressCallback) -> Outcome:
        file = self._grid.data.suite(scored.suite).file("test", scored.language)
        return score_file(
            self._backbone,
            adapter,
            ticket,
            file.examples[: scored.pairs],
            precision=scored.precision,
            progress=progress,
            device=self._device,
        )

    def _text(self, cell: TextCell, progress: ProgressCallback) -> Outcome:
        ticket, text = self._by_ticket[cell.ticket_sha256], self._grid.texts[cell.language]
        begin = time.monotonic()
        made = language_delta(self._backbone, ticket, text.sentences, cell=cell, progress=progress, device=self._device)
        made.save(self._path(cell))
        facts = {"lines": text.count, "seconds": time.monotonic() - begin, "bytes": self._path(cell).stat().st_size}
        return {**facts, "report": dict(made.report)}

    def _recipe(self, cell: RecipeCell, progress: ProgressCallback) -> Outcome:
        begin, ticket = time.monotonic(), self._by_ticket.get(cell.ticket_sha256)
        try:
            trained = train(self._backbone, ticket, cell, self._given(cell), progress=progress, device=self._device)
        except TrainingDiverged as error:
            return {"diverged": str(error)}
        path = self._path(cell)
        trained.adapter.save(path)
        seconds, size = time.monotonic() - begin, path.stat().st_size
        path.unlink()  # a dense one is as large as the backbone
        report = {name: trained.report[name] for name in REPORTED if name in trained.report}
        calibrated = trained.adapter.calibration is not None
        facts = {
            "calibrated": calibrated,
            "seconds": round(seconds, 3),
            "bytes": size,
            "dev": trained.metrics["dev"],
            "report": report,
        }
        rates = {name: trained.training[name] for name in ("learning_rate", "prompt_learning_rate", "epochs")}
        return {**self._score(cell.scored, trained.adapter, ticket, progress), **facts, "training": rates}

    def _given(self, cell: RecipeCell) -> Given:
        draw = cell.draw
        train_side, dev_side = draw.examples(self._grid.data.suite(draw.suite).file("dev", draw.language))
        sources: list[Example] = list(self._grid.sources.pairs) if cell.sources and self._grid.sources else []
        delta = LanguageDelta.load(self._path(cell.text), self._backbone.info) if cell.text else None
        return Given(self._by_file.get(cell.starter), delta, train_side, dev_side, sources)
