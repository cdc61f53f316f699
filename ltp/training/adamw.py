"""AdamW (4.2; Loshchilov & Hutter 2019) by torch's own fused kernel.

Bit for bit `torch.optim.AdamW(..., weight_decay=0, fused=True)`, which a test holds. That class imports torch's
compiler when it is made: a second at the start of every job, for something no job uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

BETAS, EPSILON = (0.9, 0.999), 1e-8
"""The authors' values, torch's defaults."""


@dataclass
class OptimizedTensor:
    """One tensor that is optimised, with its state. The rate may be changed between steps."""

    tensor: Tensor
    learning_rate: float
    state: dict[str, Tensor]
    """`step`, and two moments of the tensor's shape."""


class AdamW:
    """Moves the tensors of `groups`, (tensors, learning rate) each, by their gradients; without weight decay.

    A tensor without gradient is left as it is, and so are its moments.
    """

    def __init__(self, groups: Iterable[tuple[Iterable[Tensor], float]]) -> None:
        self.moved = [OptimizedTensor(tensor, rate, _fresh(tensor)) for tensors, rate in groups for tensor in tensors]

    @torch.no_grad()
    def step(self) -> None:
        """Take one step with the gradients as they are."""
        for rate in dict.fromkeys(each.learning_rate for each in self.moved):
            _move([each for each in self.moved if each.learning_rate == rate and each.tensor.grad is not None], rate)

    def state(self) -> dict[str, Tensor]:
        """Give steps and moments of each tensor by reference: `0.step`, `0.exp_avg`, `0.exp_avg_sq`, `1.step`, ..."""
        return {f"{index}.{name}": value for index, each in enumerate(self.moved) for name, value in each.state.items()}

    @torch.no_grad()
    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from `state()`, whose tensors may have lost their shapes."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name].reshape(tensor.shape))


def _fresh(tensor: Tensor) -> dict[str, Tensor]:
    first, second = (torch.zeros_like(tensor, requires_grad=False) for _ in range(2))
    return {"step": torch.zeros((), device=tensor.device), "exp_avg": first, "exp_avg_sq": second}


def _move(some: Sequence[OptimizedTensor], rate: float) -> None:
    if not some:
        return
    steps = [each.state["step"] for each in some]
    torch._foreach_add_(steps, 1)
    torch._fused_adamw_(
        [each.tensor for each in some],
        [each.tensor.grad for each in some if each.tensor.grad is not None],
        [each.state["exp_avg"] for each in some],
        [each.state["exp_avg_sq"] for each in some],
        [],
        steps,
        lr=rate,
        beta1=BETAS[0],
        beta2=BETAS[1],
        weight_decay=0.0,
        eps=EPSILON,
        amsgrad=False,
        maximize=False,
    )
