"""One seed of few-shot training (3.2, 4.2): steps, development scores, and the state to go on from.

Everything random follows the seed: the prompt's initial values, the order of each epoch, the dropout of each step. No
generator's state is carried from step to step, so a resumed run computes the same bits.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ltp.adapter.average import RunningMean, averages_epochs, first_late_epoch
from ltp.adapter.dense import DenseParameters
from ltp.adapter.micro_batches import micro_batches
from ltp.adapter.order import epoch_batches
from ltp.adapter.plan import TrainingPlan
from ltp.adapter.sparse import SparseParameters
from ltp.errors import TrainingDiverged
from ltp.model.classify import classify
from ltp.model.encoder import Encoder, Weights, pack
from ltp.model.head import ClassHead, Classifier
from ltp.model.soft_prompt import PublishedPrompt, SoftPrompt
from ltp.training.adamw import AdamW
from ltp.training.dropout import SeededDropout
from ltp.training.schedule import rate_factor
from ltp.training.seeds import step_seed

INITIAL, ORDER, DROPOUT, SOURCES = range(4)
"""What a derived seed is for."""


@dataclass
class SeedState:
    """How far a seed has come, and its best epoch so far; plain numbers that go into a checkpoint."""

    step: int = 0
    loss_sum: float = 0.0
    """Of the epoch's examples so far."""
    best_epoch: int = 0
    best_accuracy: float = -1.0
    best_loss: float = sys.float_info.max
    epochs: list[dict[str, float]] = field(default_factory=list)


class SeedRun:
    """Trains one seed of a plan, from the pretrained values or the plan's start; `model` is put back to them first."""

    def __init__(self, plan: TrainingPlan, model: SparseParameters | DenseParameters, *, seed: int) -> None:
        self.seed, self.state = seed, SeedState()
        self._plan, self._model, self._device = plan, model, plan.backbone.verbalizer.device
        self._added = {name: module.to(self._device) for name, module in _added(plan, step_seed(seed, INITIAL))}
        self._no_prompt = torch.empty(0, plan.backbone.info.hidden, device=self._device)
        model.reset()
        rates = {"prompt": plan.prompt_learning_rate, "head": plan.learning_rate}
        groups: list[tuple[Iterable[Tensor], float]] = [
            (module.parameters(), rates[name]) for name, module in self._added.items()
        ]
        self._optimizer = AdamW([*groups, (model.tensors, plan.learning_rate)])
        self._rates = [moved.learning_rate for moved in self._optimizer.moved]
        self._training = Encoder(
            plan.backbone, precision=plan.precision, dropout=True, attention_dropout=plan.config.attention_dropout
        )
        self._scoring = Encoder(plan.backbone, precision=plan.precision)
        self._best: dict[str, Tensor] = {}
        self._late = RunningMean()
        self._lengths = [len(example.ids) for example in plan.train.encoded]
        self._order: tuple[int, list[list[int]]] = (-1, [])

    @property
    def epoch(self) -> int:
        """Epochs finished."""
        return self.state.step // self._plan.steps_per_epoch

    @property
    def ends_epoch(self) -> bool:
        """Whether the last step was its epoch's last, so that the development examples are to be scored."""
        return self.state.step % self._plan.steps_per_epoch == 0

    def step(self) -> float:
        """Take one step; return its loss.

        Raises:
            TrainingDiverged: the loss became NaN or infinite.
        """
        chosen = self._batch()
        value = self._add_gradients(chosen)
        self._set_rates()
        self._optimizer.step()
        for module in self._added.values():
            module.zero_grad()
        self._model.after_step()
        self.state.step += 1
        self.state.loss_sum += value * len(chosen)
        return value

    def _set_rates(self) -> None:
        total = self._plan.epochs * self._plan.steps_per_epoch
        factor = rate_factor(self._plan.config.schedule, self.state.step, total)
        for moved, rate in zip(self._optimizer.moved, self._rates, strict=True):
            moved.learning_rate = rate * factor

    def _batch(self) -> list[int]:
        epoch, index = divmod(self.state.step, self._plan.steps_per_epoch)
        if self._order[0] != epoch:
            config, mixture = self._plan.config, self._plan.mixture
            batches = epoch_batches(
                self._lengths,
                config.batch_size,
                order=config.order,
                seed=self.seed,
                purpose=ORDER,
                epoch=epoch,
                drawn=None if mixture is None else mixture.drawn(epoch, seed=self.seed, purpose=SOURCES),
            )
            self._order = epoch, batches
        return self._order[1][index]

    def _add_gradients(self, chosen: list[int]) -> float:
        """Compute the batch part by part; return the mean loss of its examples."""
        total = 0.0
        for number, part in enumerate(micro_batches(chosen, self._lengths, self._plan.part_size)):
            loss = self._loss(part, number) * (len(part) / len(chosen))
            total += loss.item()
            if not math.isfinite(total):
                raise TrainingDiverged(f"the loss of step {self.state.step + 1} (seed {self.seed}) is {total}")
            loss.backward()  # type: ignore[no-untyped-call]
        return total

    def _loss(self, chosen: list[int], number: int) -> Tensor:
        """Mean loss of the batch's part `number`, which has its own dropout; the first part has the step's."""
        train = self._plan.train
        batch = pack([train.encoded[index] for index in chosen], pad=self._plan.pad, device=self._device)
        path = (self.state.step, number) if number else (self.state.step,)
        noise = SeededDropout(step_seed(self.seed, DROPOUT, *path), self._device)
        prompts = self._prompt().repeat(len(chosen), 1)  # (S, H)
        logits = self._training(self._weights(), batch, prompts, noise=noise)
        return F.cross_entropy(logits, train.labels[chosen].to(self._device))

    def _prompt(self) -> Tensor:
        """The soft prompt, (n, H); n = 0 for methods without one."""
        module = self._added.get("prompt")
        return self._no_prompt if module is None else module()

    def _weights(self) -> Weights:
        weights, head = self._model.weights(), self._added.get("head")
        return weights if head is None else replace(weights, classifier=ClassHead(dict(head.named_parameters())))

    @torch.no_grad()
    def score_epoch(self, report: Callable[[], None]) -> dict[str, float]:
        """Score the development examples and keep this epoch if it is the best: accuracy, lower loss, earlier.

        `report` is called now and then meanwhile.

        Raises:
            TrainingDiverged: a score is not finite.
        """
        course, dev, prompt = self.state, self._plan.dev, self._prompt()
        logits = classify(
            self._scoring,
            self._weights(),
            dev.encoded,
            [prompt] * len(dev),
            pad=self._plan.pad,
            done=lambda _: report(),
        )
        if not logits.isfinite().all():
            raise TrainingDiverged(f"the development scores of epoch {self.epoch} (seed {self.seed}) are not finite")
        loss = float(F.cross_entropy(logits.double(), dev.labels))
        accuracy = float((logits.argmax(1) == dev.labels).double().mean())
        if (accuracy, -loss) > (course.best_accuracy, -course.best_loss):
            course.best_epoch, course.best_accuracy, course.best_loss = self.epoch, accuracy, loss
            self._best = self.now()
        if self._late_epochs:
            self._late.add(self.now())
        train_loss, course.loss_sum = course.loss_sum / self._plan.pairs_per_epoch, 0.0
        metrics = {"train_loss": train_loss, "dev_loss": loss, "dev_accuracy": accuracy}
        course.epochs.append({"epoch": self.epoch, **metrics})
        return metrics

    @property
    def _late_epochs(self) -> int:
        """How many of the finished epochs are averaged."""
        plan = self._plan
        if not averages_epochs(plan.config.average):
            return 0
        return max(0, self.epoch - first_late_epoch(plan.epochs) + 1)

    @torch.no_grad()
    def now(self) -> dict[str, Tensor]:
        """What would be published at this step, as in `best`; copies."""
        now = {"prompt": self._prompt().clone(), "values": self._model.values.clone()}
        if head := self._added.get("head"):
            now |= {f"head.{name}": tensor.detach().clone() for name, tensor in head.named_parameters()}
        return now

    @property
    def best(self) -> dict[str, Tensor]:
        """`prompt` (n, H), trained `values` (K,), and a classification head's `head.<name>`, of the best epoch."""
        return self._best

    @property
    def late_mean(self) -> dict[str, Tensor]:
        """The same, averaged over the late epochs so far; empty unless that is asked for."""
        return self._late.tensors

    def tensors(self) -> dict[str, Tensor]:
        """All that goes on from step to step, by reference."""
        tensors = {"values": self._model.values}
        for added, module in self._added.items():
            tensors |= {f"{added}.{name}": tensor.detach() for name, tensor in module.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self._best.items()}
        tensors |= {f"late.{name}": tensor for name, tensor in self._late.tensors.items()}
        return tensors | {f"adamw.{name}": tensor.reshape(-1) for name, tensor in self._optimizer.state().items()}

    def restore(self, tensors: Mapping[str, Tensor], course: Mapping[str, Any]) -> None:
        """Go on from `tensors()` and a course saved with them."""
        self.state = SeedState(**course)
        self._model.restore(tensors["values"])
        for name, module in self._added.items():
            module.load_state_dict(with_prefix(tensors, name))
        self._best = {name: tensor.to(self._device) for name, tensor in with_prefix(tensors, "best").items()}
        late = {name: tensor.to(self._device) for name, tensor in with_prefix(tensors, "late").items()}
        self._late.restore(late, self._late_epochs)
        self._optimizer.restore(with_prefix(tensors, "adamw"))


def _added(plan: TrainingPlan, seed: int) -> Iterator[tuple[str, nn.Module]]:
    """What the method adds to the model, with its initial values."""
    hidden = plan.backbone.info.hidden
    if plan.start is not None and plan.start.carries_prompt(plan.method):
        yield "prompt", PublishedPrompt(plan.start.prompt)
    elif plan.recipe.soft:
        yield "prompt", SoftPrompt(plan.config.prompt_length, hidden, seed=seed)
    if plan.recipe.classifies:
        yield "head", Classifier(hidden, classes=len(plan.verbalizer.labels), seed=seed)


def with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names start with `prefix` and a dot, by the rest of their names."""
    return {name[len(prefix) + 1 :]: tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}.")}
