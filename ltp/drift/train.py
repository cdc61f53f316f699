"""The MLM run of 3.1 and 4.2: train on one language's text, keep the best checkpoint, measure what moved."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ltp.backbone.load import Backbone
from ltp.backbone.strategy import STRATEGIES, EmbeddingStrategy, Strategy
from ltp.compute.ranks import ALONE, Ranks
from ltp.config import MLMConfig
from ltp.drift.memory import PART_TOKENS
from ltp.drift.plan import plan_lines
from ltp.drift.run import MLMRun
from ltp.drift.stored import Drift, encode
from ltp.drift.trainable import TrainableParameters
from ltp.progress import ProgressCallback
from ltp.text.corpus import lines_of_texts, sha256_of_lines
from ltp.text.sampling import sample_lines
from ltp.training.checkpoint import Checkpoints, identity_of


def train_drift(
    backbone: Backbone,
    lines: Sequence[str],
    *,
    strategy: Strategy | EmbeddingStrategy,
    config: MLMConfig,
    progress: ProgressCallback | None = None,
    checkpoints: Checkpoints | None = None,
    device: str = "cpu",
    part_tokens: int = PART_TOKENS,
    warn: Callable[[str], None] | None = None,
    ranks: Ranks = ALONE,
) -> Drift:
    """Train on `lines` and return how far every selectable parameter moved at the best checkpoint.

    The lines are taken as a `Corpus` takes them: without the blanks around them, blank ones dropped, and a sample of
    `config.sample` of them for `config.seed`, which is the sample that the service takes of the same corpus.

    The same backbone, lines, strategy and configuration give the same bits, also across an interruption that
    `checkpoints` bridges; matrix products round by the number of threads, so that must be the same, too. `progress` is
    called at least once a step. `part_tokens` of a batch are computed at a time, padding counted; it bounds memory.
    `warn` is told what is lost of the text: lines that were cut, and words that the vocabulary does not have.

    With several `ranks` this is what rank 0 does, while each of the others is in `help_train_drift`. They share every
    batch; the drift differs from that of one process by rounding alone.

    Raises:
        CorpusError: fewer than two lines can be used, or one holds a character that is not text.
        UnknownText: not one word of it is in the backbone's vocabulary.
        InvalidConfig: the strategy does not fit the backbone.
        TrainingDiverged: a loss became NaN or infinite.
        TrainingCancelled: raised by `progress`.
        RuntimeError: another rank is gone.
    """
    prepared = _prepare(
        backbone, lines, strategy, config, progress or (lambda _: None), checkpoints, device, part_tokens, warn, ranks
    )
    best, history = prepared.run.train()
    prepared.trainable.end()
    return _measure(prepared.run.backbone, prepared.trainable, best, history | prepared.losses, config)


def help_train_drift(
    backbone: Backbone,
    lines: Sequence[str],
    *,
    strategy: Strategy | EmbeddingStrategy,
    config: MLMConfig,
    device: str = "cpu",
    part_tokens: int = PART_TOKENS,
    ranks: Ranks,
    progress: ProgressCallback | None = None,
) -> None:
    """Do what falls to a rank other than 0 of a `train_drift` with these arguments, which has the result.

    Raises what `train_drift` does, other than by its callbacks.
    """
    report = progress or (lambda _: None)
    _prepare(backbone, lines, strategy, config, report, None, device, part_tokens, None, ranks).run.train()


@dataclass(frozen=True)
class _Prepared:
    """A run about to begin, and what a report says of the text that it reads."""

    run: MLMRun
    trainable: TrainableParameters
    losses: dict[str, Any]


def _prepare(
    backbone: Backbone,
    lines: Sequence[str],
    strategy: Strategy | EmbeddingStrategy,
    config: MLMConfig,
    report: ProgressCallback,
    checkpoints: Checkpoints | None,
    device: str,
    part_tokens: int,
    warn: Callable[[str], None] | None,
    ranks: Ranks,
) -> _Prepared:
    backbone = backbone.on(device)
    lines = sample_lines(lines_of_texts(lines), config.sample, config.seed)
    corpus_sha256 = sha256_of_lines(lines)
    plan, losses = plan_lines(backbone, lines, config, report, warn)
    chosen = strategy if isinstance(strategy, EmbeddingStrategy) else STRATEGIES[strategy]
    trainable = TrainableParameters(backbone, chosen, rows=torch.from_numpy(plan.rows))
    identity = identity_of(
        kind="drift",
        backbone=backbone.info.fingerprint,
        corpus=corpus_sha256,
        strategy=chosen.name,
        config=dataclasses.asdict(config),
    )
    run = MLMRun(backbone, plan, trainable, config, report, checkpoints, identity, part_tokens, ranks=ranks)
    return _Prepared(run, trainable, {"corpus_sha256": corpus_sha256, **losses})


def _measure(
    backbone: Backbone,
    trainable: TrainableParameters,
    best: dict[str, Tensor],
    report: dict[str, Any],
    config: MLMConfig,
) -> Drift:
    exact, rows = trainable.drift_of(best)
    values, exponent = encode({name: tensor.cpu() for name, tensor in exact.items()})
    drift = Drift(
        values=values,
        rows={name: numbers.cpu() for name, numbers in rows.items()},
        scale_exponent=exponent,
        strategy=trainable.strategy.name,
        backbone=backbone.info.fingerprint,
        shapes=trainable.strategy.selectable_shapes(backbone.shapes),
        report=report | {"strategy": trainable.strategy.name, "config": dataclasses.asdict(config)},
        text_form=config.text_form,
    )
    drift.report.update(moved=drift.moved, selectable=drift.selectable)
    return drift
