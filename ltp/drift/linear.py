"""A linear layer whose weight's gradient is added where it is kept, by the product itself.

In stage 1 every gradient begins a step as the L1 pull's. Autograd makes a weight's gradient apart, as large as the
weight, and then adds the two; here the product adds to what is there.

Dimensions: N tokens, I numbers in, O out.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def linear(tokens: Tensor, weight: Tensor, bias: Tensor, *, dtype: torch.dtype) -> Tensor:
    """Return tokens (N, I) x weight (O, I) transposed + bias (O,), in `dtype`.

    The gradient of a weight that has one, of a backward pass before or of something else, is added to in place.
    """
    if torch.is_grad_enabled() and weight.requires_grad and weight.grad is not None:
        return _Linear.apply(tokens, weight, bias, dtype)  # type: ignore[no-any-return, no-untyped-call]
    return F.linear(tokens.to(dtype), weight.to(dtype), bias.to(dtype))


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tokens: Tensor, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
        given, used = tokens.to(dtype), weight.to(dtype)
        ctx.save_for_backward(given, used, weight)
        ctx.given = tokens.dtype
        return F.linear(given, used, bias.to(dtype))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        given, used, weight = ctx.saved_tensors
        to_tokens = (gradient @ used).to(ctx.given) if ctx.needs_input_grad[0] else None
        to_bias = gradient.sum(0, dtype=torch.float32) if ctx.needs_input_grad[2] else None
        if given.dtype == weight.dtype:
            weight.grad.addmm_(gradient.T, given)
        else:
            weight.grad.add_(gradient.T @ given)
        return to_tokens, None, to_bias, None
