"""The executor that works in this process: stage 1, selection, stage 2 and the engine, one cell at a time."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, get_args

import torch

from ltp.adapter.artefact import Adapter
from ltp.adapter.train import train_adapter
from ltp.backbone.load import Backbone
from ltp.drift.stored import Drift
from ltp.drift.train import train_drift
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest, Prediction
from ltp.errors import InvalidConfig, TrainingDiverged
from ltp.model.methods import Method
from ltp.progress import Progress, ProgressCallback
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.plan.cell import Cell, DriftCell, EvaluationCell, Outcome, TicketCell, TrainingCell
from ltp.reproduce.run import outcome
from ltp.reproduce.run.executor import FinishedCell
from ltp.reproduce.run.machine import machine, peak_rss_mb
from ltp.ticket.mask import Ticket
from ltp.ticket.selection import select
from ltp.training.checkpoint import Checkpoints

PAIRS_AT_A_TIME = 128


class InProcessExecutor:
    """Does cells one after the other, artefacts under `folder`. An interrupted drift resumes from its checkpoint."""

    slots = 1

    def __init__(
        self, backbone: Backbone, data: DataFolder, sentences: Sequence[str], *, folder: Path, device: str = "cpu"
    ) -> None:
        self._backbone, self._data, self._sentences = backbone.on(device), data, sentences
        self._folder, self._device = folder, device
        folder.mkdir(parents=True, exist_ok=True)

    def check(self, cells: Iterable[Cell]) -> None:
        """Refuse methods the trainer does not know. Raises InvalidConfig."""
        known = get_args(Method)
        for cell in cells:
            if isinstance(cell, TrainingCell) and cell.method not in known:
                raise InvalidConfig("method", cell.method, f"one of {', '.join(map(repr, known))}")

    def submit(self, cell: Cell, progress: ProgressCallback) -> Future[FinishedCell]:
        """Do the cell now."""
        future: Future[FinishedCell] = Future()
        begin = time.monotonic()
        try:
            outcome = self._do(cell, progress)
        except Exception as error:  # noqa: BLE001  raised again by the future
            future.set_exception(error)
        else:
            future.set_result(FinishedCell(outcome, time.monotonic() - begin, peak_rss_mb()))
        return future

    def holds(self, cell: Cell) -> bool:
        """Whether the cell's artefact is in the folder."""
        return self._path(cell).is_file()

    def release(self, cell: Cell) -> None:
        """Delete the cell's artefact."""
        self._path(cell).unlink(missing_ok=True)

    def facts(self) -> dict[str, Any]:
        """Machine, versions, device and threads."""
        return {**machine(), "device": self._device, "threads": torch.get_num_threads()}

    def _path(self, cell: Cell) -> Path:
        return self._folder / f"{cell.id}.safetensors"

    def _do(self, cell: Cell, progress: ProgressCallback) -> Outcome:
        match cell:
            case DriftCell():
                return self._drift(cell, progress)
            case TicketCell():
                return self._ticket(cell)
            case TrainingCell():
                return self._training(cell, progress)
            case EvaluationCell():
                return self._evaluation(cell, progress)

    def _drift(self, cell: DriftCell, progress: ProgressCallback) -> Outcome:
        checkpoints = self._folder / f"{cell.id}.checkpoints"
        checkpoints.mkdir(exist_ok=True)
        drift = train_drift(
            self._backbone,
            self._sentences,
            strategy=cell.strategy,
            config=cell.config,
            progress=progress,
            checkpoints=Checkpoints(checkpoints),
            device=self._device,
        )
        drift.save(self._path(cell))
        shutil.rmtree(checkpoints, ignore_errors=True)
        return dict(drift.report)

    def _ticket(self, cell: TicketCell) -> Outcome:
        ticket = select(Drift.load(self._path(cell.drift), self._backbone.info), cell.config)
        ticket.save(self._path(cell))
        return outcome.of_ticket(ticket, self._backbone.shapes)

    def _load_ticket(self, cell: TicketCell | None) -> Ticket | None:
        return Ticket.load(self._path(cell), self._backbone.info) if cell else None

    def _training(self, cell: TrainingCell, progress: ProgressCallback) -> Outcome:
        train, dev = cell.draw.examples(self._data.suite(cell.draw.suite).file("dev", cell.draw.language))
        try:
            trained = train_adapter(
                self._backbone,
                self._load_ticket(cell.ticket),
                method=cell.method,
                train=train,
                dev=dev,
                config=cell.config,
                progress=progress,
                device=self._device,
            )
        except TrainingDiverged as error:
            return {"diverged": str(error)}
        path = self._path(cell)
        trained.adapter.save(path)
        dev, size = trained.metrics["dev"], path.stat().st_size
        return outcome.of_training(dev, trained.training, trained.report, size=size)

    def _evaluation(self, cell: EvaluationCell, progress: ProgressCallback) -> Outcome:
        adapter = Adapter.load(self._path(cell.training), self._backbone.info)
        ticket = self._load_ticket(cell.training.ticket)
        engine = Engine(
            self._backbone, source=lambda _: (adapter, ticket), precision=cell.precision, device=self._device
        )
        suite = self._data.suite(cell.suite)
        tests = {language: suite.file("test", language).examples[: cell.pairs] for language in cell.languages}
        total, done, cut, unknown, scores = sum(map(len, tests.values())), 0, 0, 0, {}
        for language, examples in tests.items():
            answers: list[Prediction] = []
            for start in range(0, len(examples), PAIRS_AT_A_TIME):
                part = examples[start : start + PAIRS_AT_A_TIME]
                answers += engine.predict(
                    [PairRequest(cell.training.id, pair.premise, pair.hypothesis) for pair in part]
                )
                done += len(part)
                progress(Progress("scoring", done, total))
            cut += sum(answer.truncated for answer in answers)
            unknown += sum(answer.tokens.unknown > 0 for answer in answers)
            probabilities = [answer.probabilities for answer in answers]
            predicted = [max(range(len(each)), key=each.__getitem__) for each in probabilities]
            scores[language] = outcome.of_answers(probabilities, predicted, examples)
        return {"languages": scores, "truncated": cut, "unknown": unknown}
