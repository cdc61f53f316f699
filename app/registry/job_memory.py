"""Work that no worker has the memory for is refused when it is submitted, with what it would take."""

from __future__ import annotations

from app.errors import FieldError, InvalidRequest
from app.settings import MIB
from ltp.adapter.memory import training_bytes
from ltp.backbone.manifest import BackboneInfo
from ltp.backbone.strategy import Strategy
from ltp.config import AdapterConfig, MLMConfig
from ltp.drift.memory import drift_bytes
from ltp.model.methods import Method

START_BYTES = 16
"""For each active parameter that training begins from: its change in fp32, and copies while it is carried over."""


def check_adapter(
    backbone: BackboneInfo,
    *,
    method: Method,
    training: AdapterConfig,
    examples: int,
    active: int,
    seeds: int,
    limit_mb: int,
    started: bool = False,
) -> None:
    """Refuse a training that needs more than `limit_mb` MiB; 0 is no limit. Raises `InvalidRequest`."""
    needed = training_bytes(backbone, method=method, config=training, examples=examples, active=active, seeds=seeds)
    needed += START_BYTES * active if started else 0
    lower = "training.max_length or seeds, or choose a method that trains fewer parameters"
    _check("training", needed, limit_mb, lower=lower)


def check_drift(
    backbone: BackboneInfo,
    *,
    strategy: Strategy,
    mlm: MLMConfig,
    lines: int,
    limit_mb: int,
    characters: int | None = None,
) -> None:
    """Refuse an MLM run that needs more than `limit_mb` MiB; 0 is no limit. Raises `InvalidRequest`."""
    taken = min(lines, mlm.sample or lines)
    if characters is not None:
        characters = -(-characters * taken // max(1, lines))  # of a sample, what it has on average
    needed = drift_bytes(backbone, strategy=strategy, config=mlm, lines=taken, characters=characters)
    _check("mlm", needed, limit_mb, lower="mlm.max_length, or take a sample of the corpus (mlm.sample)")


def _check(field: str, needed: int, limit_mb: int, *, lower: str) -> None:
    megabytes = -(-needed // MIB)
    if limit_mb and megabytes > limit_mb:
        message = (
            f"this may take {megabytes:,} MiB of memory, and a job may have {limit_mb:,} (LTP_JOB_MEMORY_MB); "
            f"lower {lower}"
        )
        raise InvalidRequest(f"{field}: {message}", fields=[FieldError(field, message)])
