"""From the encoder's output at one token to a logit a label: by the masked language model's head, or a classifier's.

The first reads `<mask>` and scores the verbalizer's words (3.2); the second reads `<s>`, as plain fine-tuning does, and
starts from random values, which are published with the adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Module = tuple[Tensor, Tensor]
"""Weight and bias."""
INITIAL_DEVIATION = 0.02
"""Of a classifier's first weights; XLM-R's own `initializer_range`."""
CLASSIFIER = ("dense.bias", "dense.weight", "out.bias", "out.weight")
"""The names of a classifier's tensors."""


class WordHead(NamedTuple):
    """The masked language model's head for the K words of a verbalizer."""

    dense: Module
    norm: Module
    answers: Module
    """Output embeddings (K, H) and biases (K,)."""
    epsilon: float

    def __call__(self, hidden: Tensor) -> Tensor:
        """Turn the output at `<mask>`, (B, H), into logits (B, K)."""
        hidden = F.gelu(F.linear(hidden, *self.dense))
        return F.linear(F.layer_norm(hidden, hidden.shape[-1:], *self.norm, self.epsilon), *self.answers)


class ClassHead(NamedTuple):
    """A classifier's head, of XLM-R's usual form; `tensors` are those of `CLASSIFIER`."""

    tensors: Mapping[str, Tensor]

    def __call__(self, hidden: Tensor, *, drop: Callable[[Tensor], Tensor] = lambda tokens: tokens) -> Tensor:
        """Turn the output at `<s>`, (B, H), into logits (B, K); `drop` is the dropout before either product."""
        hidden = F.linear(drop(hidden), self.tensors["dense.weight"], self.tensors["dense.bias"]).tanh()
        return F.linear(drop(hidden), self.tensors["out.weight"], self.tensors["out.bias"])


class Classifier(nn.Module):
    """A classifier's tensors before training: weights from N(0, 0.02), biases zero.

    Args:
        hidden: H, the backbone's hidden size.
        classes: K, the labels.
        seed: decides every initial value; torch's global generator is left as it was.
    """

    def __init__(self, hidden: int, *, classes: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.dense, self.out = nn.Linear(hidden, hidden), nn.Linear(hidden, classes)
        with torch.no_grad():
            for linear in (self.dense, self.out):
                linear.weight.normal_(0, INITIAL_DEVIATION, generator=generator)
                linear.bias.zero_()


def classifier_shapes(hidden: int, *, classes: int) -> dict[str, tuple[int, ...]]:
    """Name the tensors of the head of a classifier among `classes` labels with their shapes."""
    shapes: tuple[tuple[int, ...], ...] = ((hidden,), (hidden, hidden), (classes,), (classes, hidden))
    return dict(zip(CLASSIFIER, shapes, strict=True))
