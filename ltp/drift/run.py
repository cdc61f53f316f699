"""One MLM run (3.1, 4.2): the loop, its validations on held-out lines, its checkpoints.

What trains is a parameter: all that a strategy leaves unfrozen (`ltp.drift.trainable`), or a ticket's positions
(`ltp.language_delta.parameters`).
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from ltp.backbone.architecture import LM_BIAS, WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.backbone.strategy import EmbeddingStrategy
from ltp.compute.ranks import ALONE, Ranks
from ltp.config import MLMConfig
from ltp.drift.batches import MaskedBatch, build, epoch_order, parts
from ltp.drift.cross_entropy import masked_loss
from ltp.drift.masking import Purpose
from ltp.drift.mlm_encoder import MaskedEncoder
from ltp.drift.plan import DriftPlan
from ltp.drift.shares import Lines, Whole, shares
from ltp.drift.tokens import Bools, Ids, Tokens
from ltp.errors import TrainingDiverged
from ltp.model.encoder import Weights, weights_from
from ltp.progress import Progress, ProgressCallback
from ltp.training.checkpoint import Checkpoints
from ltp.training.seeds import step_seed


class MLMParameters(Protocol):
    """What trains in a run, and its optimiser."""

    @property
    def strategy(self) -> EmbeddingStrategy:
        """How the embeddings are tied and frozen."""

    @property
    def rows(self) -> Tensor | None:
        """The word embedding rows that train, (R,); None when all or none do."""

    @property
    def parameters(self) -> Mapping[str, Tensor]:
        """Tensors that replace the backbone's, by name; of the word embeddings the `rows`, (R, H)."""

    def set_l1_gradients(self, coefficient: float) -> Tensor:
        """Begin a step: set every gradient to the pull's; return the penalty."""

    def step(self, learning_rate: float) -> None:
        """Let the optimiser take one step."""

    def snapshot(self) -> dict[str, Tensor]:
        """Copy what has been learnt."""

    def tensors(self) -> dict[str, Tensor]:
        """Everything a checkpoint must hold."""

    def restore(self, tensors: dict[str, Tensor], step: int) -> None:
        """Go back to what `tensors` gave after `step` steps."""


@dataclass
class _State:
    """Where the run is; with the tensors, all that resuming needs."""

    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    train_seconds: float = 0.0
    loss_sum: float = 0.0
    loss_steps: int = 0
    best_step: int = 0
    best_loss: float = float(np.finfo(np.float64).max)
    losses: list[dict[str, float | int | None]] = field(default_factory=list)


class MLMRun:
    """One MLM run. With `patience` it ends after so many validations without a new best one.

    With several `ranks` each process has a run of its own, made from the same arguments but for `report` and
    `checkpoints`, which rank 0 alone has; it alone keeps the best parameters.
    """

    def __init__(
        self,
        backbone: Backbone,
        plan: DriftPlan,
        trainable: MLMParameters,
        config: MLMConfig,
        report: ProgressCallback,
        checkpoints: Checkpoints | None,
        identity: str,
        part_tokens: int,
        patience: int | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        self.backbone, self.plan, self.trainable, self.config = backbone, plan, trainable, config
        self.report, self.checkpoints, self.identity, self.part_tokens = report, checkpoints, identity, part_tokens
        self.patience, self.ranks = patience, ranks
        self.encoder = MaskedEncoder(backbone, precision=config.precision)
        self.state = _State()
        self.best: dict[str, Tensor] = {}
        self.steps_per_epoch = -(-(len(plan.train.offsets) - 1) // config.batch_size)
        self.total = self.steps_per_epoch * config.epochs
        self.decoder = backbone.decoder.to(self.encoder.dtype)  # a frozen one is rounded once
        if trainable.strategy.ties_output and WORD_EMBEDDINGS in trainable.parameters:
            self.decoder = trainable.parameters[WORD_EMBEDDINGS]
        compact = trainable.rows is not None
        self.train_table, self.validation_table, frozen = plan.tables(compact=compact)
        self.frozen_rows = backbone.parameters[WORD_EMBEDDINGS][torch.from_numpy(frozen).to(backbone.decoder.device)]
        self.validation, self.validation_count = self._validation_batches()

    def _validation_batches(self) -> tuple[dict[int, MaskedBatch], int]:
        """Build those of this process, by their number among all, and count all."""
        held, lengths = self.plan.validation, self.plan.validation.lengths
        order, size = np.argsort(lengths, kind="stable"), self.config.batch_size
        chunks = [order[start : start + size] for start in range(0, len(order), size)]
        cut = [part for chunk in chunks for part in parts(chunk, lengths, tokens=self.part_tokens)]
        return {
            number: self._build(
                held, self.plan.held_inputs, self.plan.held_predicted, cut[number], self.validation_table
            )
            for number in range(self.ranks.number, len(cut), self.ranks.size)
        }, len(cut)

    def train(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Run to the end; return the best parameters and the report."""
        self._resume()
        state = self.state
        if not state.losses:
            self._record(self._validate())
        while state.step < self.total and not self._has_stopped():
            epoch, first = divmod(state.step, self.steps_per_epoch)
            inputs, predicted = self.plan.masking.draw(self.plan.train, Purpose.MASKING, epoch)
            order = epoch_order(self.plan.train.lengths, self.config.batch_size, seed=self.config.seed, epoch=epoch)
            for lines in order[first:]:
                self._step(lines, inputs, predicted)
                if self._is_due():
                    self._record(self._validate())
                self._checkpoint()
                if self._has_stopped():
                    break
        return self.best, self._summary()

    def _is_due(self) -> bool:
        step = self.state.step
        return step % self.config.eval_every == 0 or step % self.steps_per_epoch == 0

    def _has_stopped(self) -> bool:
        """Whether as many validations as there is patience for have brought no new best one."""
        later = sum(int(loss["step"] or 0) > self.state.best_step for loss in self.state.losses)
        return self.patience is not None and later >= self.patience

    def _step(self, lines: Lines, inputs: Ids, predicted: Bools) -> None:
        state, begin = self.state, time.monotonic()
        loss, penalty = self._set_gradients(lines, inputs, predicted)
        if not math.isfinite(loss + penalty):
            raise TrainingDiverged(f"the loss at step {state.step + 1} is {loss + penalty}; lower the learning rate")
        self.trainable.step(self.config.learning_rate * (1 - state.step / self.total))
        tokens = int(self.plan.train.lengths[lines].sum())
        state.step += 1
        state.tokens += tokens
        state.loss_sum += loss + penalty
        state.loss_steps += 1
        took = time.monotonic() - begin
        state.train_seconds += took
        state.seconds += took
        metrics = {"loss": loss + penalty, "l1": penalty, "tokens_per_second": tokens / took}
        self.report(Progress("training", state.step, self.total, metrics | self._last_validation()))

    def _set_gradients(self, lines: Lines, inputs: Ids, predicted: Bools) -> tuple[float, float]:
        """Compute the gradients of a batch, all processes' together; return its loss and the pull's penalty."""
        ranks, train = self.ranks, self.plan.train
        lengths = train.lengths
        cut = list(parts(lines, lengths, tokens=self.part_tokens))
        masked = max(1, sum(int(predicted[slice(*train.offsets[line : line + 2])].sum()) for line in lines))
        pull = 0.0 if ranks.number else self.config.l1  # which one process adds, for all
        loss, penalty = 0.0, float(self.trainable.set_l1_gradients(pull))
        for share in shares(cut, lengths, rank=ranks.number, ranks=ranks.size):
            whole = None if share.is_whole else Whole.of(share, train, predicted)
            batch = self._build(train, inputs, predicted, share.lines, self.train_table, whole)
            seed = step_seed(self.config.seed, Purpose.DROPOUT, self.state.step, share.number)
            if len(batch.targets):
                part_loss = self._loss(batch, self._weights(), seed, weight=1 / masked)
                part_loss.backward()  # type: ignore[no-untyped-call]
                loss += float(part_loss.detach())
        ranks.add_up([tensor.grad for tensor in self.trainable.parameters.values() if tensor.grad is not None])
        loss, penalty = ranks.total([loss, penalty])
        return loss, penalty

    def _build(
        self, tokens: Tokens, inputs: Ids, predicted: Bools, lines: Lines, table: Any, whole: Whole | None = None
    ) -> MaskedBatch:
        pad, device = self.backbone.special.pad, str(self.decoder.device)
        return build(tokens, inputs, predicted, lines, table=table, pad=pad, device=device, whole=whole)

    def _weights(self, *, validation: bool = False) -> Weights:
        changed: dict[str, Tensor] = dict(self.trainable.parameters)
        word = changed.pop(WORD_EMBEDDINGS, None)
        weights = weights_from(self.backbone, changed)
        if word is None:
            return weights
        if validation and len(self.frozen_rows):
            word = torch.cat([word, self.frozen_rows])
        return dataclasses.replace(weights, word=word)

    def _loss(self, batch: MaskedBatch, weights: Weights, seed: int | None, *, weight: float = 1.0) -> Tensor:
        features = self.encoder.features(weights, batch, seed=seed)
        bias = self.trainable.parameters.get(LM_BIAS, self.backbone.parameters[LM_BIAS])
        return masked_loss(
            features,
            self.decoder,
            bias,
            batch.targets,
            dtype=self.encoder.dtype,
            weight=weight,
            to_decoder=self.decoder.grad,  # None unless it trains
        )

    @torch.no_grad()
    def _validate(self) -> float:
        """Mean cross-entropy in nats of the held-out masked tokens, without dropout."""
        begin, weights = time.monotonic(), self._weights(validation=True)
        losses = [0.0] * self.validation_count
        for done, (number, batch) in enumerate(self.validation.items(), start=1):
            losses[number] = float(self._loss(batch, weights, None)) if len(batch.targets) else 0.0
            self.report(Progress("validating", done, len(self.validation), self._last_validation()))
        total = 0.0
        for loss in self.ranks.total(losses):  # in one order, however many processes there are
            total += loss
        self.state.seconds += time.monotonic() - begin
        return total / int(self.plan.held_predicted.sum())

    def _record(self, validation: float) -> None:
        state = self.state
        if not math.isfinite(validation):
            raise TrainingDiverged(f"the validation loss after step {state.step} is {validation}")
        train = state.loss_sum / state.loss_steps if state.loss_steps else None
        state.losses.append({"step": state.step, "train": train, "validation": validation})
        state.loss_sum, state.loss_steps = 0.0, 0
        if state.step > 0 and validation < state.best_loss:
            state.best_loss, state.best_step = validation, state.step
            self.best = {}  # the one before goes first, so that no two are in memory
            self.best = {} if self.ranks.number else self.trainable.snapshot()

    def _last_validation(self) -> dict[str, float]:
        return {"validation_loss": float(self.state.losses[-1]["validation"] or 0.0)} if self.state.losses else {}

    def _checkpoint(self) -> None:
        if self.checkpoints is not None and self.state.step < self.total:
            tensors = self.trainable.tensors() | {f"best/{name}": tensor for name, tensor in self.best.items()}
            self.checkpoints.save(tensors, dataclasses.asdict(self.state) | {"identity": self.identity})

    def _resume(self) -> None:
        saved = self.checkpoints.load(identity=self.identity) if self.checkpoints is not None else None
        said = self.ranks.tell("" if saved is None else json.dumps(saved[1], allow_nan=False))
        if not said:
            return
        state = json.loads(said)
        state.pop("identity")
        self.state = _State(**state)
        if saved is not None:
            tensors, _ = saved
            self.trainable.restore(tensors, self.state.step)
            best = {name.removeprefix("best/"): tensor for name, tensor in tensors.items() if name.startswith("best/")}
            self.best = {name: tensor.to(self.decoder.device) for name, tensor in best.items()}
        self.ranks.spread(list(self.trainable.tensors().values()))
        if saved is None:  # what came from rank 0 is in place; the optimiser does not know its step yet
            self.trainable.restore(self.trainable.tensors(), self.state.step)

    def _summary(self) -> dict[str, Any]:
        state, train, validation = self.state, self.plan.train, self.plan.validation
        return {
            "steps": state.step,
            "seconds": round(state.seconds, 3),
            "tokens": state.tokens,
            "tokens_per_second": round(state.tokens / max(state.train_seconds, 1e-9), 1),
            "losses": state.losses,
            "best_step": state.best_step,
            "best_loss": state.best_loss,
            "lines": {"train": len(train.offsets) - 1, "validation": len(validation.offsets) - 1},
        }
