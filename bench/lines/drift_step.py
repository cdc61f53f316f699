"""Line 1: a step of the MLM run, compared with Hugging Face's Trainer with the L1 pull added.

Both sides train what the method trains by default (`decoupled`): output embeddings apart from the input's and frozen,
every LayerNorm frozen. Speed and memory are those of XLM-R base's shapes with dropout on; answers are those of `mini`
without dropout, both sides seeing the same masked batches.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from bench.figure import Figure
from bench.lines import Options
from bench.material import backbone, sentences
from bench.side import Measured, run
from bench.trainer import SETTINGS, Examples, PulledTrainer, pulled_trainer
from ltp.backbone.load import load_backbone
from ltp.config import MLMConfig, Precision
from ltp.drift.batches import epoch_order
from ltp.drift.masking import Purpose, hold_out
from ltp.drift.plan import make_plan
from ltp.drift.shares import Lines
from ltp.drift.tokens import Tokens, tokenize
from ltp.drift.train import train_drift
from ltp.errors import TrainingCancelled
from ltp.progress import Progress

NUMBER = 1
TITLE = "Drift step: real tokens a second, memory, and the same losses"
RANDOM_GOAL, GROUPED_GOAL, MEMORY_GOAL, LOSS_GOAL = 5.0, 2.5, 0.45, 1e-3
TIMED = 4
"""Batches timed after the first one, which warms up. They come one from each quarter of the lengths."""
RANDOM_TIMED = 3
PASSES = 3
"""Times our side repeats the batches; the peer, tens of seconds a batch, goes through them once."""
HOLDOUT = 0.002
"""Both sides train on nearly all sentences, so that little time goes into the validation before the first step."""
LONGEST = 96
"""Tokens. The peer's random batches leave longer sentences, one in a hundred, out: with them it outgrows 24 GB."""
CHECK_STEPS, CHECK_BATCH = 50, 4


def figures(options: Options, measure: Callable[..., Measured] = run) -> Iterator[Figure]:
    """Compare throughput and memory at both precisions, then losses; `measure` runs a side, as `bench.side.run`."""
    for precision in ("fp32", "bf16"):
        ours, grouped, shuffled = (
            measure(f"{__name__}:{side}", data=options.data, precision=precision)
            for side in ("ours", "grouped", "shuffled")
        )
        random = f"{SETTINGS}; its own random order, sentences of up to {LONGEST} tokens"
        same = "as above, but given the very batches ours makes, one from each quarter of the lengths"
        yield Figure.faster(
            NUMBER, f"{precision}, random batches", ours, shuffled, unit="tokens", limit=RANDOM_GOAL, peer_is=random
        )
        yield Figure.faster(
            NUMBER, f"{precision}, grouped by length", ours, grouped, unit="tokens", limit=GROUPED_GOAL, peer_is=same
        )
        yield Figure.leaner(
            NUMBER,
            f"{precision}, memory",
            ours,
            shuffled,
            limit=MEMORY_GOAL,
            peer_is="the one with random batches",
            peer_grouped_mb=grouped.peak_rss_mb,
        )
    ours, peer = (measure(f"{__name__}:{side}", data=options.data) for side in ("our_losses", "peer_losses"))
    pairs = list(zip(ours.detail["losses"], peer.detail["losses"], strict=True))
    yield Figure.absolute(
        NUMBER,
        f"same losses over {len(pairs)} steps of mini",
        "nats of difference",
        max(abs(mine - theirs) for mine, theirs in pairs),
        goal="at most",
        limit=LOSS_GOAL,
        first=pairs[0],
        last=pairs[-1],
        how="dropout 0, fp32, the same masked batches of 4, linear decay, L1 term included in the loss",
    )


def ours(data: str | None, precision: Precision) -> Measured:
    """Time `train_drift` on four batches of an epoch over all sentences."""
    work = Work("base", data, spanning=True, precision=precision)
    passes = [work.steps(1 + TIMED) for _ in range(PASSES)]
    tokens = [work.tokens(lines) for lines in work.order[1 : 1 + TIMED]]
    steps = [seconds[1:] for seconds, _ in passes]
    return Measured([sum(each) for each in steps], sum(tokens), {"tokens_a_batch": tokens, "step_s": steps[0]})


def grouped(data: str | None, precision: Precision) -> Measured:
    """Time the Trainer on the batches that `ours` is timed on."""
    work = Work("base", data, spanning=True, precision=precision)
    chosen = np.concatenate(work.order[: 1 + TIMED])
    return _timed_trainer(work, chosen, timed=TIMED, train_sampling_strategy="sequential")


def shuffled(data: str | None, precision: Precision) -> Measured:
    """Time the Trainer as it comes: batches drawn at random from all sentences, but the longest."""
    work = Work("base", data, spanning=True, precision=precision)
    return _timed_trainer(work, np.flatnonzero(work.train.lengths <= LONGEST), timed=RANDOM_TIMED)


def our_losses(data: str | None) -> Measured:
    """Every step's loss of `train_drift` on `mini`."""
    work = Work("mini", data, spanning=False)
    seconds, losses = work.steps(CHECK_STEPS)
    return Measured(seconds, detail={"losses": losses})


def peer_losses(data: str | None) -> Measured:
    """Every step's loss of the Trainer on `mini`, from the same masked batches."""
    work = Work("mini", data, spanning=False)
    masking = make_plan(work.backbone, work.all_tokens, work.config).masking
    inputs, predicted = masking.draw(work.train, Purpose.MASKING, 0)
    labels = np.where(predicted, work.train.ids, -100)
    spans = [work.span(line) for lines in work.order for line in lines]
    examples = [{"input_ids": inputs[span].tolist(), "labels": labels[span].tolist()} for span in spans]
    trainer = work.trainer(examples, masked=True, train_sampling_strategy="sequential")
    trainer.train()
    return Measured(trainer.seconds, detail={"losses": trainer.losses})


class Work:
    """The sentences both sides train on, and our batches of the first epoch.

    `spanning` takes all sentences, and the first seed whose TIMED batches after the first are one from each quarter of
    the lengths; without it there are just enough sentences for CHECK_STEPS small batches, and no dropout.
    """

    def __init__(self, name: str, data: str | None, *, spanning: bool, precision: Precision = "fp32") -> None:
        self.directory, self.dropout = backbone(name), 0.1 if spanning else 0.0
        self.backbone = load_backbone(self.directory)
        rates = replace(self.backbone.architecture, dropout=self.dropout, attention_dropout=self.dropout)
        self.backbone = replace(self.backbone, architecture=rates)
        self.sentences = sentences(data)
        if spanning:
            self.config = MLMConfig(holdout=HOLDOUT, precision=precision)
        else:
            self.sentences = self.sentences[: round(CHECK_STEPS * CHECK_BATCH / 0.9)]
            self.config = MLMConfig(epochs=1, batch_size=CHECK_BATCH, eval_every=CHECK_STEPS)
        self.all_tokens = self._tokenized()
        self._arrange()
        while spanning and not self._spans():
            self.config = replace(self.config, seed=self.config.seed + 1)
            self._arrange()

    def _tokenized(self) -> Tokens:
        return tokenize(
            self.backbone.tokenizer,
            self.sentences,
            special=self.backbone.special.ids(),
            pad=self.backbone.special.pad,
            max_length=self.config.max_length,
            report=lambda _: None,
        )

    def _arrange(self) -> None:
        self.train, _ = hold_out(self.all_tokens, self.config)
        self.order = epoch_order(self.train.lengths, self.config.batch_size, seed=self.config.seed, epoch=0)

    def _spans(self) -> bool:
        middles = [self.train.lengths[lines].mean() for lines in self.order]
        quarters = np.searchsorted(np.quantile(middles, [0.25, 0.5, 0.75]), middles[1 : 1 + TIMED])
        return sorted(quarters.tolist()) == list(range(TIMED))

    def tokens(self, lines: Lines) -> int:
        """Real tokens of a batch."""
        return int(self.train.lengths[lines].sum())

    def span(self, line: int) -> slice:
        """Where a line's tokens are."""
        return slice(*self.train.offsets[line : line + 2])

    def steps(self, count: int) -> tuple[list[float], list[float]]:
        """Seconds and losses of the first `count` steps of `train_drift`."""
        ends, losses = list[float](), list[float]()

        def watch(progress: Progress) -> None:
            if progress.phase == "training" or (progress.phase == "validating" and not losses):
                ends.append(time.perf_counter())
            if progress.phase == "training":
                losses.append(progress.metrics["loss"])
                if len(losses) == count:
                    raise TrainingCancelled

        with suppress(TrainingCancelled):
            train_drift(self.backbone, self.sentences, strategy="decoupled", config=self.config, progress=watch)
        return [after - before for before, after in zip(ends[-count - 1 :], ends[-count:], strict=False)], losses

    def trainer(
        self, examples: Examples, *, masked: bool = False, stop: int | None = None, **settings: Any
    ) -> PulledTrainer:
        """Build the peer for `examples`, with the same hyperparameters."""
        return pulled_trainer(
            self.directory, examples, self.config, dropout=self.dropout, masked=masked, stop=stop, **settings
        )


def _timed_trainer(work: Work, chosen: Lines, *, timed: int, **settings: Any) -> Measured:
    examples = [{"input_ids": work.train.ids[work.span(line)].tolist()} for line in chosen]
    trainer = work.trainer(examples, stop=1 + timed, **settings)
    trainer.train()
    facts = {
        "tokens_a_batch": trainer.tokens[1:],
        "padded_tokens_a_batch": trainer.padded[1:],
        "step_s": trainer.seconds[1:],
    }
    return Measured([sum(trainer.seconds[1:])], sum(trainer.tokens[1:]), facts)
