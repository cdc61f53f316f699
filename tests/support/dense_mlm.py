"""The MLM run of 3.1 as anyone would write it first: transformers' model, dense everything, autograd's L1.

It shares only the draws with the code under test (split, masking, order), none of the arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import XLMRobertaForMaskedLM

from ltp.backbone.load import Backbone
from ltp.backbone.strategy import Strategy
from ltp.config import MLMConfig
from ltp.drift.batches import epoch_order
from ltp.drift.masking import Purpose
from ltp.drift.plan import DriftPlan, make_plan
from ltp.drift.tokens import Bools, Ids, Tokens, tokenize
from ltp.ticket.mask import Ticket


@dataclass
class Dense:
    """What the plain computation gives: losses as in the report, and theta_l at the best validation."""

    losses: list[dict[str, float | None]]
    best_step: int
    best: dict[str, Tensor]
    origin: dict[str, Tensor]


def train_dense(
    backbone: Backbone, lines: list[str], *, strategy: Strategy, config: MLMConfig, ticket: Ticket | None = None
) -> Dense:
    """With a `ticket`, gradients are multiplied by its mask, and nothing else trains."""
    model = _model(backbone, strategy)
    masks = _masks(model, ticket)
    named = dict(model.named_parameters(remove_duplicate=False))
    origin = {name: parameter.detach().clone() for name, parameter in named.items()}
    count = sum(parameter.numel() for parameter in model.parameters())
    trainable = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    optimizer = torch.optim.AdamW(trainable.values(), weight_decay=0.0, foreach=False)
    plan = _plan(backbone, lines, config)
    losses: list[dict[str, float | None]] = [{"step": 0, "train": None, "validation": _validate(model, plan)}]
    steps_per_epoch = -(-len(plan.train.lengths) // config.batch_size)
    total, step, running = steps_per_epoch * config.epochs, 0, list[float]()
    best = (float("inf"), 0, dict[str, Tensor]())
    for epoch in range(config.epochs):
        drawn = plan.masking.draw(plan.train, Purpose.MASKING, epoch)
        for chosen in epoch_order(plan.train.lengths, config.batch_size, seed=config.seed, epoch=epoch):
            distance = sum((parameter - origin[name]).abs().sum() for name, parameter in trainable.items())
            loss = model(**_batch(plan.train, *drawn, chosen)).loss + config.l1 * distance / count
            optimizer.zero_grad()
            loss.backward()
            for parameter, mask in masks:
                parameter.grad *= mask
            optimizer.param_groups[0]["lr"] = config.learning_rate * (1 - step / total)
            optimizer.step()
            step += 1
            running.append(float(loss.detach()))
            if step % config.eval_every == 0 or step % steps_per_epoch == 0:
                held = _validate(model, plan)
                losses.append({"step": step, "train": float(np.mean(running)), "validation": held})
                running.clear()
                if held < best[0]:
                    best = (held, step, {name: parameter.detach().clone() for name, parameter in named.items()})
    return Dense(losses, best[1], best[2], origin)


def _masks(model: XLMRobertaForMaskedLM, ticket: Ticket | None) -> list[tuple[Tensor, Tensor]]:
    masks: list[tuple[Tensor, Tensor]] = []
    if ticket is None:
        return masks
    model.requires_grad_(False)
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if name in ticket.masks:
            parameter.requires_grad_()
            mask = torch.zeros(parameter.numel())
            mask[ticket.positions(name)] = 1
            masks.append((parameter, mask.view_as(parameter)))
    return masks


def _model(backbone: Backbone, strategy: Strategy) -> XLMRobertaForMaskedLM:
    """Train everything but what the strategy freezes; no dropout, for two implementations would draw differently."""
    model = XLMRobertaForMaskedLM.from_pretrained(backbone.info.directory)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    model.train()
    if strategy != "tied":
        model.lm_head.decoder.weight = torch.nn.Parameter(model.lm_head.decoder.weight.detach().clone())
        model.lm_head.decoder.weight.requires_grad_(False)
        for name, parameter in model.named_parameters():
            if "norm" in name.lower() or (strategy == "frozen_embeddings" and "embeddings" in name):
                parameter.requires_grad_(False)
    return model


def _plan(backbone: Backbone, lines: list[str], config: MLMConfig) -> DriftPlan:
    special, pad = backbone.special.ids(), backbone.special.pad
    tokens = tokenize(
        backbone.tokenizer,
        lines,
        special=special,
        pad=pad,
        max_length=config.max_length,
        report=lambda _: None,
        text_form=config.text_form,
        long_lines=config.long_lines,
    )
    return make_plan(backbone, tokens, config)


def _batch(tokens: Tokens, inputs: Ids, predicted: Bools, chosen: np.ndarray) -> dict[str, Tensor]:
    width = int(tokens.lengths[chosen].max())
    ids = torch.full((len(chosen), width), 1)
    labels = torch.full((len(chosen), width), -100)
    for row, line in enumerate(chosen):
        part, size = slice(tokens.offsets[line], tokens.offsets[line + 1]), tokens.lengths[line]
        ids[row, :size] = torch.from_numpy(inputs[part].astype(np.int64))
        truth = torch.from_numpy(tokens.ids[part].astype(np.int64))
        labels[row, :size] = torch.where(torch.from_numpy(predicted[part]), truth, -100)
    return {"input_ids": ids, "labels": labels, "attention_mask": (ids != 1).long()}


@torch.no_grad()
def _validate(model: XLMRobertaForMaskedLM, plan: DriftPlan) -> float:
    held = plan.validation
    return float(model(**_batch(held, plan.held_inputs, plan.held_predicted, np.arange(len(held.lengths)))).loss)
