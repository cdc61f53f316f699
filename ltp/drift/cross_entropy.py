"""Cross-entropy over the whole vocabulary for the masked positions, without ever holding their logits (4.2).

One pass goes over the vocabulary in chunks that stay in the cache: a chunk's logits become exponentials under a
running maximum and feed the loss and the gradient of the features at once, rescaled as the maximum grows. The result is
that of `F.cross_entropy(features @ decoder.T + bias, targets, reduction="sum")` and its gradients.

Dimensions: M masked positions, H hidden, V vocabulary, C chunk of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

VOCABULARY_CHUNK = 4096
"""Rows of the decoder at a time: their logits for a few hundred positions fit the second-level cache."""
POSITION_BLOCK = 384
"""Masked positions at a time: bounds the exponentials kept for the bias's gradient, (384, V)."""


def masked_loss(
    features: Tensor,
    decoder: Tensor,
    bias: Tensor,
    targets: Tensor,
    *,
    dtype: torch.dtype,
    chunk: int = VOCABULARY_CHUNK,
    block: int = POSITION_BLOCK,
) -> Tensor:
    """Sum the cross-entropy of M positions, with gradients for `features`, and for `bias` and `decoder` if they train.

    Args:
        features: (M, H) fp32.
        decoder: output embeddings (V, H), in `dtype`, or fp32 if they train.
        bias: (V,) fp32.
        targets: (M,) token ids.
        dtype: arithmetic of the matrix products; everything else is fp32.
        chunk, block: rows of the decoder, and masked positions, at a time; they change memory and speed alone.
    """
    if not torch.is_grad_enabled():
        weight = decoder.to(dtype)
        blocks = cut_positions(features, targets, block=block)
        passes = (_over_vocabulary(part, weight, bias, truth, chunk=chunk) for part, truth in blocks)
        return torch.stack([each.loss for each in passes]).sum()
    return _MaskedLoss.apply(features, decoder, bias, targets, dtype, chunk, block)  # type: ignore[no-any-return, no-untyped-call]


def cut_positions(features: Tensor, targets: Tensor, *, block: int = POSITION_BLOCK) -> Iterator[tuple[Tensor, Tensor]]:
    """Cut into as few blocks as may be, of like size: a pass over the vocabulary costs much even for one position."""
    count = max(1, -(-len(targets) // block))
    return zip(torch.chunk(features, count), torch.chunk(targets, count), strict=True)


class _MaskedLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        decoder: Tensor,
        bias: Tensor,
        targets: Tensor,
        dtype: torch.dtype,
        chunk: int,
        block: int,
    ) -> Tensor:
        weight = decoder.detach().to(dtype)
        decoder_trains, bias_trains = ctx.needs_input_grad[1], ctx.needs_input_grad[2]
        losses, to_features = [], []
        to_bias = torch.zeros_like(bias) if decoder_trains or bias_trains else None
        to_decoder = torch.zeros_like(decoder, dtype=torch.float32) if decoder_trains else None
        for part, truth in cut_positions(features.detach(), targets, block=block):
            kept = to_bias is not None
            each = _over_vocabulary(part, weight, bias.detach(), truth, chunk=chunk, gradient=True, keep=kept)
            losses.append(each.loss)
            to_features.append(each.to_features)
            if to_bias is not None:
                each.add_vocabulary_gradients(part.to(dtype), truth, to_bias, to_decoder)
        ctx.save_for_backward(torch.cat(to_features), to_bias, to_decoder)
        return torch.stack(losses).sum()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (scale,) = gradients
        to_features, to_bias, to_decoder = ctx.saved_tensors  # ours alone, so scaled in place: the last is (V, H)
        scaled = [None if gradient is None else gradient.mul_(scale) for gradient in (to_decoder, to_bias)]
        return to_features.mul_(scale), *scaled, None, None, None, None


@dataclass(frozen=True)
class _VocabularyPass:
    """What one pass over the vocabulary found for some masked positions."""

    loss: Tensor
    to_features: Tensor
    """The gradient of the features, (M, H)."""
    log_total: Tensor
    """The logarithm of each position's sum of exponentials, (M, 1)."""
    kept: list[tuple[Tensor, Tensor]]
    """For each chunk the exponentials (M, C), and the maximum they are relative to, (M, 1), where asked for."""

    def add_vocabulary_gradients(
        self, reduced: Tensor, targets: Tensor, to_bias: Tensor, to_decoder: Tensor | None
    ) -> None:
        """Add what the M positions give to the gradients of the bias and, if it trains, of the decoder."""
        ones = to_bias.new_ones(len(targets))
        start = 0
        for exponentials, top in self.kept:
            share = (top - self.log_total).exp_().to(reduced.dtype)  # turns exponentials into probabilities, (M, 1)
            stop = start + exponentials.shape[1]
            to_bias[start:stop] += (share.T @ exponentials).squeeze(0)
            if to_decoder is not None:
                to_decoder[start:stop] += exponentials.T @ (reduced * share)  # (C, H)
            start = stop
        to_bias.index_add_(0, targets, ones, alpha=-1)
        if to_decoder is not None:
            to_decoder.index_add_(0, targets, reduced.float(), alpha=-1)


def _over_vocabulary(
    features: Tensor,
    weight: Tensor,
    bias: Tensor,
    targets: Tensor,
    *,
    chunk: int,
    gradient: bool = False,
    keep: bool = False,
) -> _VocabularyPass:
    """Pass over the vocabulary once for the positions of one block."""
    reduced = features.to(weight.dtype)
    top = features.new_full((len(features), 1), -torch.inf)
    total, pulled = torch.zeros_like(top), torch.zeros_like(features)
    kept: list[tuple[Tensor, Tensor]] = []
    for part, offset in zip(torch.split(weight, chunk), torch.split(bias, chunk), strict=True):
        logits = (reduced @ part.T).float().add_(offset)  # (M, C)
        higher = torch.maximum(top, logits.amax(1, keepdim=True))
        shrink = (top - higher).exp_()
        exponentials = logits.sub_(higher).exp_()
        total.mul_(shrink).add_(exponentials.sum(1, keepdim=True))
        if gradient:
            exponentials = exponentials.to(weight.dtype)
            pulled.mul_(shrink).add_(exponentials @ part)  # (M, H)
        if keep:
            kept.append((exponentials, higher))
        top = higher
    log_total = top + total.log()
    truth = F.embedding(targets, weight).float()
    loss = (log_total.squeeze(1) - (reduced.float() * truth).sum(1) - bias[targets]).sum()
    return _VocabularyPass(loss, pulled.div_(total).sub_(truth), log_total, kept)
