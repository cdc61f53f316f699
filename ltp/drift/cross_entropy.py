"""Cross-entropy over the whole vocabulary for the masked positions, without ever holding their logits (4.2).

One pass goes over the vocabulary in chunks that stay in the cache: a chunk's logits become exponentials under a
running maximum and feed the loss and the gradient of the features at once, rescaled as the maximum grows. The result is
that of `F.cross_entropy(features @ decoder.T + bias, targets, reduction="sum")` and its gradients. The gradient of a
decoder that trains, as large as the decoder, is in memory once: the loss adds to it chunk by chunk.

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
    weight: float = 1.0,
    to_decoder: Tensor | None = None,
    chunk: int = VOCABULARY_CHUNK,
    block: int = POSITION_BLOCK,
) -> Tensor:
    """Sum the cross-entropy of M positions times `weight`, with gradients for `features`, and for `bias` if it trains.

    Args:
        features: (M, H) fp32.
        decoder: output embeddings (V, H), in `dtype`, or fp32 if they train.
        bias: (V,) fp32.
        targets: (M,) token ids.
        dtype: arithmetic of the matrix products; everything else is fp32.
        weight: of each position's loss.
        to_decoder: the gradient (V, H) of a decoder that trains. The loss adds to it in this call, where gradients are
            enabled, and not when it is differentiated: for a loss that is differentiated once, as it is.
        chunk, block: rows of the decoder, and masked positions, at a time; they change memory and speed alone.
    """
    if not torch.is_grad_enabled():
        blocks = cut_positions(features, targets, block=block)
        passes = (_over_vocabulary(part, decoder, bias, truth, dtype=dtype, chunk=chunk) for part, truth in blocks)
        return torch.stack([each.loss for each in passes]).sum() * weight
    fixed = decoder.detach()
    return _MaskedLoss.apply(features, fixed, bias, targets, dtype, weight, to_decoder, chunk, block)  # type: ignore[no-any-return, no-untyped-call]


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
        weight: float,
        to_decoder: Tensor | None,
        chunk: int,
        block: int,
    ) -> Tensor:
        losses, to_features = [], []
        bias_trains = ctx.needs_input_grad[2]
        keep = bias_trains or to_decoder is not None
        to_bias = torch.zeros_like(bias) if keep else None
        for part, truth in cut_positions(features.detach(), targets, block=block):
            each = _over_vocabulary(
                part, decoder, bias.detach(), truth, dtype=dtype, chunk=chunk, gradient=True, keep=keep
            )
            losses.append(each.loss)
            to_features.append(each.to_features)
            if to_bias is not None:
                each.add_vocabulary_gradients(part.to(dtype), truth, to_bias, to_decoder, weight=weight)
        ctx.save_for_backward(torch.cat(to_features).mul_(weight), to_bias if bias_trains else None)
        return torch.stack(losses).sum() * weight

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (scale,) = gradients
        to_features, to_bias = ctx.saved_tensors
        return to_features * scale, None, None if to_bias is None else to_bias * scale, *[None] * 6


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
        self, reduced: Tensor, targets: Tensor, to_bias: Tensor, to_decoder: Tensor | None, *, weight: float
    ) -> None:
        """Add what the M positions, `weight` each, give to the gradients of bias and, if it trains, decoder."""
        ones = to_bias.new_ones(len(targets))
        start = 0
        for exponentials, top in self.kept:
            share = (top - self.log_total).exp_().mul_(weight)  # turns exponentials into probabilities, (M, 1)
            share = share.to(reduced.dtype)
            stop = start + exponentials.shape[1]
            to_bias[start:stop] += (share.T @ exponentials).squeeze(0)
            if to_decoder is not None:
                to_decoder[start:stop] += exponentials.T @ (reduced * share)  # (C, H)
            start = stop
        to_bias.index_add_(0, targets, ones, alpha=-weight)
        if to_decoder is not None:
            to_decoder.index_add_(0, targets, reduced.float(), alpha=-weight)


def _over_vocabulary(
    features: Tensor,
    decoder: Tensor,
    bias: Tensor,
    targets: Tensor,
    *,
    dtype: torch.dtype,
    chunk: int,
    gradient: bool = False,
    keep: bool = False,
) -> _VocabularyPass:
    """Pass over the vocabulary once for the positions of one block."""
    reduced = features.to(dtype)
    top = features.new_full((len(features), 1), -torch.inf)
    total, pulled = torch.zeros_like(top), torch.zeros_like(features)
    kept: list[tuple[Tensor, Tensor]] = []
    for rows, offset in zip(torch.split(decoder, chunk), torch.split(bias, chunk), strict=True):
        part = rows.to(dtype)
        logits = (reduced @ part.T).float().add_(offset)  # (M, C)
        higher = torch.maximum(top, logits.amax(1, keepdim=True))
        shrink = (top - higher).exp_()
        exponentials = logits.sub_(higher).exp_()
        total.mul_(shrink).add_(exponentials.sum(1, keepdim=True))
        if gradient:
            exponentials = exponentials.to(dtype)
            pulled.mul_(shrink).add_(exponentials @ part)  # (M, H)
        if keep:
            kept.append((exponentials, higher))
        top = higher
    log_total = top + total.log()
    truth = F.embedding(targets, decoder).to(dtype).float()
    loss = (log_total.squeeze(1) - (reduced.float() * truth).sum(1) - bias[targets]).sum()
    return _VocabularyPass(loss, pulled.div_(total).sub_(truth), log_total, kept)
