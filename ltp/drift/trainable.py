"""The parameters that train in an MLM run, by strategy (3.1, 4.2), in the compact form that is exact.

AdamW without weight decay leaves a row without gradient where it is, and so does the L1 pull; so of the input
embeddings only the rows that some step reads are kept, trained and optimised. Under `tied` the softmax reaches every
row, and the whole matrix trains.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import Parameter

from ltp.backbone.architecture import EMBEDDING_MATRICES, WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.backbone.strategy import EmbeddingStrategy

PULL_CHUNK = 1 << 17
"""Elements the L1 pull handles at a time: parameter, origin and gradient together fit the second-level cache."""


class TrainableParameters:
    """The trainable parameters, where they came from, and their optimiser.

    `rows` (R,) are the word embedding rows that train, None when all or none do; `parameters[WORD_EMBEDDINGS]` is then
    (R, H).
    """

    def __init__(self, backbone: Backbone, strategy: EmbeddingStrategy, *, rows: Tensor) -> None:
        strategy.check_fits(backbone=backbone.info.name, tied=backbone.info.tied)
        self.strategy = strategy
        self.rows = rows.to(backbone.decoder.device) if strategy.moves_read_rows_only else None
        self.origin: dict[str, Tensor] = {}
        for name, tensor in backbone.parameters.items():
            if strategy.trains(name):
                compact = name == WORD_EMBEDDINGS and self.rows is not None
                self.origin[name] = tensor[self.rows] if compact else tensor
        self.parameters = {name: Parameter(tensor.clone()) for name, tensor in self.origin.items()}
        untied = not strategy.ties_output and backbone.info.tied
        self.dense_size = backbone.info.parameters + (backbone.decoder.numel() if untied else 0)
        for parameter in self.parameters.values():
            parameter.grad = torch.zeros_like(parameter)
        self.optimizer = torch.optim.AdamW(self.parameters.values(), weight_decay=0.0, fused=True)
        for parameter in self.parameters.values():
            self.optimizer.state[parameter] = {
                "step": torch.zeros((), device=parameter.device),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }

    @torch.no_grad()
    def set_l1_gradients(self, coefficient: float) -> Tensor:
        """Begin a step: set every gradient to that of `coefficient` x sum|theta_l - theta| / N; return that penalty.

        N counts all parameters of the dense model, frozen ones and an untied output embedding included.
        """
        strength = coefficient / self.dense_size
        total = torch.zeros((), dtype=torch.float64, device=next(iter(self.parameters.values())).device)
        for name, parameter in self.parameters.items():
            assert parameter.grad is not None  # noqa: S101  made in __init__ and never set to None
            if not coefficient:
                parameter.grad.zero_()
                continue
            flat = (
                torch.split(tensor.view(-1), PULL_CHUNK) for tensor in (parameter, self.origin[name], parameter.grad)
            )
            for now, before, gradient in zip(*flat, strict=True):
                moved = torch.sub(now, before, out=gradient)
                total += moved.abs().sum()
                moved.sign_().mul_(strength)
        return total * strength

    def step(self, learning_rate: float) -> None:
        """Let AdamW take one step."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.step()

    def end(self) -> None:
        """Free gradients and moments, which only further steps would need."""
        for parameter in self.parameters.values():
            parameter.grad = None
        self.optimizer.state.clear()

    def snapshot(self) -> dict[str, Tensor]:
        """Copy the parameters as they are now."""
        return {name: parameter.detach().clone() for name, parameter in self.parameters.items()}

    def tensors(self) -> dict[str, Tensor]:
        """Everything a checkpoint must hold: parameters and the optimiser's two moments."""
        tensors = {f"parameter/{name}": parameter.detach() for name, parameter in self.parameters.items()}
        for moment in ("exp_avg", "exp_avg_sq"):
            tensors |= {f"{moment}/{name}": self.optimizer.state[p][moment] for name, p in self.parameters.items()}
        return tensors

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor], step: int) -> None:
        """Go back to what `tensors` gave after `step` steps."""
        for name, parameter in self.parameters.items():
            parameter.copy_(tensors[f"parameter/{name}"])
            state = self.optimizer.state[parameter]
            state["step"].fill_(step)
            for moment in ("exp_avg", "exp_avg_sq"):
                state[moment].copy_(tensors[f"{moment}/{name}"])

    def drift_of(self, best: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Measure |theta_l - theta| of the selectable parameters in fp32, and which rows of the embeddings moved.

        Returns values by name, embedding matrices as (R, H) with their ascending row numbers (R,) by name.
        """
        values, rows = {}, {}
        for name in self.strategy.selectable_shapes({name: tuple(tensor.shape) for name, tensor in best.items()}):
            values[name] = (best[name] - self.origin[name]).abs_()
            if name in EMBEDDING_MATRICES:
                moved = values[name].any(1).nonzero().squeeze(1)
                values[name] = values[name][moved]
                compact = name == WORD_EMBEDDINGS and self.rows is not None
                rows[name] = self.rows[moved] if compact and self.rows is not None else moved
        return values, rows
