"""From encoded pairs to logits without gradients: sorted by length, in sub-batches of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from ltp.model.encoder import Encoder, Weights, pack
from ltp.model.template import Encoded

MAX_TOKENS = 4096
"""Tokens in a sub-batch, padding counted: enough to keep every core busy, little enough to stay in the caches."""


def sub_batches(lengths: Sequence[int], *, max_tokens: int = MAX_TOKENS) -> Iterator[list[int]]:
    """Group the indices of `lengths`, longest first, so that each group pads to at most `max_tokens` tokens.

    An example longer than that stands alone.
    """
    group: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if group and (len(group) + 1) * lengths[group[0]] > max_tokens:
            yield group
            group = []
        group.append(index)
    if group:
        yield group


@torch.inference_mode()
def classify(
    encoder: Encoder,
    weights: Weights,
    examples: Sequence[Encoded],
    prompts: Sequence[Tensor],
    *,
    pad: int,
    max_tokens: int = MAX_TOKENS,
    done: Callable[[int], None] = lambda _: None,
) -> Tensor:
    """Return verbalizer logits (B, K) of `examples`, the i-th with the soft prompt `prompts[i]` (n, H); on the CPU.

    `done` is told after each sub-batch how many examples were in it.
    """
    logits = torch.empty(len(examples), weights.classes)
    for group in sub_batches([len(example.ids) for example in examples], max_tokens=max_tokens):
        batch = pack([examples[index] for index in group], pad=pad, device=weights.word.device)
        logits[group] = encoder(weights, batch, torch.cat([prompts[index] for index in group])).cpu()
        done(len(group))
    return logits
