"""Scores of finished seeds, always of the decoded artefact as it would be published, in fp32."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ltp.adapter.artefact import Adapter
from ltp.adapter.materialise import materialise
from ltp.adapter.plan import Labelled, TrainingPlan
from ltp.config import LabelSpace
from ltp.errors import TrainingDiverged
from ltp.metrics import score
from ltp.model.classify import classify
from ltp.model.encoder import Encoder

SUMMARISED = ("accuracy", "macro_f1", "ece", "loss")
"""What is averaged over seeds."""
BY_LANGUAGE = ("accuracy", "interval", "macro_f1", "ece", "loss", "pairs")
"""What is told of each language where examples are of several."""


class Scored(NamedTuple):
    """What an adapter answers on a set, logits (N, K) fp64, and how good that is."""

    logits: Tensor
    figures: dict[str, Any]


class Scorer:
    """Scores adapters of one plan the way the engine would answer."""

    def __init__(self, plan: TrainingPlan) -> None:
        self._plan, self._encoder = plan, Encoder(plan.backbone)

    def __call__(self, adapter: Adapter, part: Labelled, *, selected_on: bool, done: Callable[[int], None]) -> Scored:
        """Score it on `part`, with the mean cross-entropy as `loss`; `selected_on` marks data a choice was made by.

        Raises:
            TrainingDiverged: an answer is not finite.
        """
        plan = self._plan
        weights = materialise(plan.backbone, adapter, plan.ticket)
        prompts = [adapter.prompt.to(plan.backbone.verbalizer.device)] * len(part)
        logits = classify(self._encoder, weights, part.encoded, prompts, pad=plan.pad, done=done).double()
        if not logits.isfinite().all():
            raise TrainingDiverged("what the trained adapter answers is not finite; lower the learning rate")
        if adapter.calibration is not None:
            logits = torch.from_numpy(adapter.calibration.apply(logits.numpy()))
        space = adapter.verbalizer.label_space
        metrics = _figures(logits, part.labels, space) | {"selected_on": selected_on}
        several = {"by_language": by_language(logits, part, space)} if len(set(part.langs)) > 1 else {}
        return Scored(logits, metrics | several)


def by_language(logits: Tensor, part: Labelled, space: LabelSpace) -> dict[str, dict[str, Any]]:
    """The main figures of each language's pairs, of which every one names its own; `""` for those that do not."""
    found = {}
    for lang in sorted(set(part.langs)):
        own = [index for index, each in enumerate(part.langs) if each == lang]
        figures = _figures(logits[own], part.labels[own], space)
        found[lang] = {name: figures[name] for name in BY_LANGUAGE}
    return found


def _figures(logits: Tensor, labels: Tensor, space: LabelSpace) -> dict[str, Any]:
    metrics = score(logits.softmax(1).numpy(), labels.numpy(), space).as_dict()
    return metrics | {"loss": float(F.cross_entropy(logits, labels))}


def best_index(scores: Sequence[dict[str, Any]]) -> int:
    """The index of the best: highest accuracy, then lowest loss, then earliest."""
    return max(range(len(scores)), key=lambda index: (scores[index]["accuracy"], -scores[index]["loss"], -index))


def summary(per_seed: Sequence[dict[str, Any]]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Mean and sample standard deviation over seeds of each part's main figures; the latter is None for one seed."""
    parts = [part for part in ("dev", "test") if part in per_seed[0]]
    mean: dict[str, dict[str, float | None]] = {}
    std: dict[str, dict[str, float | None]] = {}
    for part in parts:
        columns = {name: [seed[part][name] for seed in per_seed] for name in SUMMARISED}
        mean[part] = {name: math.fsum(values) / len(values) for name, values in columns.items()}
        std[part] = {name: statistics.stdev(values) if len(values) > 1 else None for name, values in columns.items()}
    return {"mean": mean, "std": std}
