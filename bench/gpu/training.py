"""Steps of stage 1 and stage 2 in bf16, beside Hugging Face's Trainer on the same batches."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import numpy as np

from bench.gpu.arithmetic import forward_operations, head_operations
from bench.gpu.device import Setting
from bench.gpu.material import Material
from ltp.adapter.train import train_adapter
from ltp.backbone.load import Backbone, load_backbone
from ltp.config import AdapterConfig, MLMConfig
from ltp.drift.batches import epoch_order
from ltp.drift.masking import hold_out
from ltp.drift.tokens import Tokens, tokenize
from ltp.drift.train import train_drift
from ltp.errors import TrainingCancelled
from ltp.progress import Progress
from ltp.text.examples import Example

WARM = 6
"""Steps before the clock starts."""
LEAST, MOST = 10, 400
"""Steps that are timed: as many as fit into the time for one work, within these."""
LINES, SMALL_LINES = 4_000, 60
HOLDOUT = 0.005
BATCH, SMALL_BATCH = 32, 2
PAIRS, SMALL_PAIRS = 640, 12
RATIO = 0.2
STAGE_1 = (
    "transformers.Trainer on the very batches ours makes, bf16 autocast, dynamic padding, AdamW fused, L1 pull added, "
    "decoder untied and frozen, LayerNorms frozen"
)
STAGE_2 = (
    "transformers.Trainer, AutoModelForSequenceClassification, every parameter trained, bf16 autocast, the same pairs "
    "in batches of the same size, dynamic padding, AdamW fused"
)


class StepClock:
    """Times steps after the first few, and says when it has enough of them; waits for the device at both ends only."""

    def __init__(self, setting: Setting) -> None:
        self._setting, self.steps, self._began, self.seconds = setting, 0, 0.0, 0.0

    def step(self) -> bool:
        """Count one; tell whether to stop."""
        self.steps += 1
        if self.steps == WARM:
            self._setting.wait()
            self._began = time.perf_counter()
        timed, so_far = self.steps - WARM, time.perf_counter() - self._began
        if timed < (1 if self._setting.small else LEAST) or (so_far < 2 * self._setting.seconds and timed < MOST):
            return False
        self._setting.wait()
        self.seconds = time.perf_counter() - self._began
        return True

    def progress(self, told: Progress) -> None:
        """Count the steps that a training tells of."""
        if told.phase == "training" and self.step():
            raise TrainingCancelled

    @property
    def figures(self) -> dict[str, float]:
        """What came of it."""
        timed = self.steps - WARM
        return {"steps_a_second": timed / self.seconds, "steps": timed, "seconds": self.seconds}


def base(setting: Setting) -> None:
    """XLM-R base."""
    _both_stages(setting, "base")


def large(setting: Setting) -> None:
    """XLM-R large."""
    _both_stages(setting, "large")


def _both_stages(setting: Setting, name: str) -> None:
    made = setting.material(name)
    backbone = load_backbone(made.folder)
    _drift(setting, f"drift, {name}", made, backbone)
    _adapter(setting, f"adapter, {name}", made, backbone)


def _drift(setting: Setting, name: str, made: Material, backbone: Backbone) -> None:
    config = MLMConfig(
        precision="bf16", holdout=HOLDOUT, batch_size=SMALL_BATCH if setting.small else BATCH, epochs=10, l1=0.1
    )
    lines = made.sentences(SMALL_LINES if setting.small else LINES)
    train, order = _batches(backbone, lines, config)
    with setting.measuring(name) as figures, setting.watching_memory(figures):
        clock = StepClock(setting)
        with suppress(TrainingCancelled):
            train_drift(
                backbone, lines, strategy="decoupled", config=config, progress=clock.progress, device=setting.device
            )
        figures |= clock.figures | _work(backbone, train, order, clock)
    with setting.measuring(f"{name}, Trainer") as figures, setting.watching_memory(figures):
        from bench.trainer import pulled_trainer

        clock = StepClock(setting)
        wanted = np.concatenate(order)
        trainer = pulled_trainer(
            made.folder,
            [{"input_ids": train.ids[slice(*train.offsets[line : line + 2])].tolist()} for line in wanted],
            config,
            dropout=backbone.architecture.dropout,
            masked=False,
            stop=None,
            cpu=not setting.on_gpu,
            train_sampling_strategy="sequential",
        )
        trainer.add_callback(_stopping(clock))
        trainer.train()
        figures |= clock.figures | {"peer": STAGE_1}


def _batches(backbone: Backbone, lines: list[str], config: MLMConfig) -> tuple[Tokens, list[Any]]:
    special = backbone.special
    tokens = tokenize(
        backbone.tokenizer, lines, special=special.ids(), pad=special.pad, max_length=256, report=lambda _: None
    )
    train, _ = hold_out(tokens, config)
    return train, list(epoch_order(train.lengths, config.batch_size, seed=config.seed, epoch=0))


def _work(backbone: Backbone, train: Tokens, order: list[Any], clock: StepClock) -> dict[str, float]:
    """Tokens and operations a second, by the batches that an epoch has on average."""
    lengths = [train.lengths[batch].tolist() for batch in order]
    tokens = sum(map(sum, lengths)) / len(order)
    forward = sum(forward_operations(backbone.architecture, some) for some in lengths) / len(order)
    operations = 3 * (forward + head_operations(backbone.architecture, round(0.15 * tokens)))
    rate = clock.figures["steps_a_second"]
    return {"tokens_a_second": tokens * rate, "tera_operations_a_second": operations * rate / 1e12}


def _adapter(setting: Setting, name: str, made: Material, backbone: Backbone) -> None:
    from bench import adapters

    size = SMALL_BATCH if setting.small else BATCH
    pairs = made.pairs(SMALL_PAIRS if setting.small else PAIRS)
    ticket = adapters.ticket(backbone, RATIO)
    with setting.measuring(name) as figures, setting.watching_memory(figures):
        clock = StepClock(setting)
        with suppress(TrainingCancelled):
            train_adapter(
                backbone,
                ticket,
                method="ltp",
                train=pairs,
                dev=pairs[:3],
                config=AdapterConfig(batch_size=size, precision="bf16", epochs=1000),
                progress=clock.progress,
                device=setting.device,
            )
        # <s> P . H ? prompt <mask> </s>: nine tokens besides the words
        lengths = [len(f"{pair.premise} {pair.hypothesis}".split()) + 9 for pair in pairs]
        operations = 3 * forward_operations(backbone.architecture, lengths) * size / len(pairs)
        rate = clock.figures["steps_a_second"]
        figures |= clock.figures | {"tera_operations_a_second": operations * rate / 1e12}
    with setting.measuring(f"{name}, Trainer") as figures, setting.watching_memory(figures):
        clock = StepClock(setting)
        trainer = _classifier_trainer(made, pairs, size, cpu=not setting.on_gpu)
        trainer.add_callback(_stopping(clock))
        trainer.train()
        figures |= clock.figures | {"peer": STAGE_2}


def _classifier_trainer(made: Material, pairs: list[Example], size: int, *, cpu: bool) -> Any:
    from transformers import (
        AutoModelForSequenceClassification,
        DataCollatorWithPadding,
        PreTrainedTokenizerFast,
        Trainer,
        TrainingArguments,
    )

    from bench.trainer import SPECIAL

    special = {f"{name}_token": piece for name, piece in SPECIAL.items()}
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(made.folder / "tokenizer.json"), **special)
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    examples = [{"labels": index % 3, **tokenizer(pair.premise, pair.hypothesis)} for index, pair in enumerate(pairs)]
    arguments = TrainingArguments(
        output_dir=str(made.folder / "trainer"),
        per_device_train_batch_size=size,
        num_train_epochs=1000,
        learning_rate=2e-5,
        bf16=True,
        use_cpu=cpu,
        optim="adamw_torch_fused",
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    model = AutoModelForSequenceClassification.from_pretrained(made.folder, num_labels=3)
    return Trainer(model, arguments, data_collator=DataCollatorWithPadding(tokenizer), train_dataset=examples)


def _stopping(clock: StepClock) -> Any:
    from transformers import TrainerCallback

    class Stop(TrainerCallback):
        def on_step_end(self, _: Any, __: Any, control: Any, **___: Any) -> None:
            control.should_training_stop = control.should_training_stop or clock.step()

    return Stop()
