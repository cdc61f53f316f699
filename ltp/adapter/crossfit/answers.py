"""What trained tensors answer: those of `SeedRun.now`, or means and mixtures of them (`ltp.adapter.average`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ltp.adapter.dense import DenseParameters
from ltp.adapter.plan import Labelled, TrainingPlan
from ltp.adapter.seed_run import with_prefix
from ltp.adapter.sparse import SparseParameters
from ltp.errors import TrainingDiverged
from ltp.model.classify import classify
from ltp.model.encoder import Encoder
from ltp.model.head import ClassHead

Tensors = Mapping[str, Tensor]
Model = SparseParameters | DenseParameters


def part_of(part: Labelled, indices: Sequence[int]) -> Labelled:
    """Some of the encoded pairs."""
    langs = tuple(part.langs[index] for index in indices) if part.langs else ()
    return Labelled([part.encoded[index] for index in indices], part.labels[list(indices)], langs)


def on_device(tensors: Tensors, plan: TrainingPlan) -> dict[str, Tensor]:
    """Tensors of a checkpoint, where the plan's backbone is."""
    return {name: tensor.to(plan.backbone.verbalizer.device) for name, tensor in tensors.items()}


@torch.no_grad()
def answers(plan: TrainingPlan, model: Model, tensors: Tensors, part: Labelled) -> Tensor:
    """What `tensors` answer: logits (N, K), fp64. The model's values are theirs afterwards.

    Raises:
        TrainingDiverged: an answer is not finite.
    """
    classes = len(plan.verbalizer.labels)
    if not len(part):
        return torch.empty(0, classes, dtype=torch.float64)
    model.restore(tensors["values"])
    weights, head = model.weights(), with_prefix(tensors, "head")
    if head:
        weights = replace(weights, classifier=ClassHead(head))
    encoder = Encoder(plan.backbone, precision=plan.precision)
    logits = classify(encoder, weights, part.encoded, [tensors["prompt"]] * len(part), pad=plan.pad).double()
    if not logits.isfinite().all():
        raise TrainingDiverged("what was trained gives answers that are not finite; lower the learning rate")
    return logits
