"""The MLM run of 3.1 as one would write it on Hugging Face's Trainer: its own loop, collator and optimiser, and the L1
pull added to the loss. It notes the time, the tokens and the loss of every step.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F
from transformers import (
    DataCollatorForLanguageModeling,
    DataCollatorForTokenClassification,
    PreTrainedTokenizerFast,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    XLMRobertaForMaskedLM,
)

from ltp.config import MLMConfig

SETTINGS = (
    "transformers.Trainer, DataCollatorForLanguageModeling, dynamic padding, adamw_torch_fused, no clipping, logging, "
    "evaluation or checkpoints; sdpa attention; decoder untied and frozen, LayerNorms frozen; "
    "0.1 / N x l1_loss(theta_l, theta) of every trainable tensor in compute_loss; bf16=True (autocast) for bf16"
)
Examples = Sequence[Mapping[str, list[int]]]


class PulledTrainer(Trainer):
    """The masked tokens' cross-entropy, and the distance to the pretrained values."""

    def __init__(self, model: XLMRobertaForMaskedLM, *arguments: Any, l1: float, **named: Any) -> None:
        super().__init__(model, *arguments, **named)
        self.moving = [(each, each.detach().clone()) for each in model.parameters() if each.requires_grad]
        self.strength = l1 / sum(each.numel() for each in model.parameters())
        self.tokens, self.padded = list[int](), list[int]()
        self.losses, self.seconds = list[float](), list[float]()

    def compute_loss(self, model: Any, inputs: Any, *_: Any, **__: Any) -> torch.Tensor:
        self.tokens.append(int(inputs["attention_mask"].sum()))
        self.padded.append(inputs["input_ids"].numel())
        distance = sum(F.l1_loss(now, before, reduction="sum") for now, before in self.moving)
        loss: torch.Tensor = model(**inputs).loss + self.strength * distance
        self.losses.append(float(loss.detach()))
        return loss


class Watch(TrainerCallback):
    """Times each step from the end of the one before, collating included, and stops after `stop`."""

    def __init__(self, stop: int | None) -> None:
        self.stop, self.seconds, self.last = stop, list[float](), 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.last = time.perf_counter()

    def on_step_end(self, _: Any, state: Any, control: Any, **__: Any) -> None:
        now = time.perf_counter()
        self.seconds.append(now - self.last)
        self.last = now
        control.should_training_stop = control.should_training_stop or state.global_step == self.stop


def pulled_trainer(
    directory: Path,
    examples: Examples,
    config: MLMConfig,
    *,
    dropout: float,
    masked: bool,
    stop: int | None,
    cpu: bool = True,
    **settings: Any,
) -> PulledTrainer:
    """Build a Trainer for the checkpoint in `directory`; `masked` examples bring their own labels."""
    tokenizer = tokenizer_of(directory)
    arguments = TrainingArguments(
        output_dir=str(directory / "trainer"),
        per_device_train_batch_size=config.batch_size,
        num_train_epochs=config.epochs,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        weight_decay=0.0,
        max_grad_norm=0.0,
        optim="adamw_torch_fused",
        bf16=config.precision == "bf16",
        use_cpu=cpu,
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        **settings,
    )
    if masked:
        collator: Any = DataCollatorForTokenClassification(tokenizer)  # pads labels as well
    else:
        collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=config.mask_share)
    watch = Watch(stop)
    trainer = PulledTrainer(
        decoupled_model(directory, dropout=dropout),
        arguments,
        l1=config.l1,
        data_collator=collator,
        train_dataset=examples,
        callbacks=[watch],
    )
    trainer.seconds = watch.seconds
    return trainer


def tokenizer_of(directory: Path) -> PreTrainedTokenizerFast:
    """Open a prepared backbone's tokenizer as transformers does any."""
    pieces = {f"{name}_token": piece for name, piece in SPECIAL.items()}
    return PreTrainedTokenizerFast(tokenizer_file=str(directory / "tokenizer.json"), **pieces)


SPECIAL = {"bos": "<s>", "eos": "</s>", "pad": "<pad>", "unk": "<unk>", "mask": "<mask>"}


def decoupled_model(directory: Path, *, dropout: float) -> XLMRobertaForMaskedLM:
    """Untie the decoder; freeze it and every LayerNorm."""
    model = XLMRobertaForMaskedLM.from_pretrained(
        directory, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout
    )
    model.config.tie_word_embeddings = False
    model.lm_head.decoder.weight = torch.nn.Parameter(model.lm_head.decoder.weight.detach().clone())
    model.lm_head.decoder.weight.requires_grad_(requires_grad=False)
    for name, parameter in model.named_parameters():
        if "norm" in name.lower():
            parameter.requires_grad_(requires_grad=False)
    return model
