"""Line 11: what few-shot training takes of memory, however many long examples a step has.

A whole training of `mini` in a process of its own: one epoch of one step, its scores, the adapter. Beside it what a
step takes when its batch is computed as a whole, from two batches that fit in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.figure import Figure
from bench.lines import Options
from bench.side import Measured, run, timed

NUMBER, TITLE = 11, "Memory of few-shot training on long examples"
BATCH, TOKENS, SCORED = 256, 512, 9
MOST_MB = 6000
WHOLE = (8, 16)
"""Examples of the batches that are computed as a whole."""
MODULE = "bench.lines.training_memory"


def figures(_: Options) -> Iterator[Figure]:
    """A row for the prompt alone and one for a 20 % ticket."""
    for method in ("pt", "ltp"):
        given: dict[str, Any] = {"method": method, "tokens": TOKENS}
        ours = run(f"{MODULE}:training", batch=BATCH, **given)
        small, large = (run(f"{MODULE}:training", batch=batch, whole=True, **given).peak_rss_mb for batch in WHOLE)
        per_example = (large - small) / (WHOLE[1] - WHOLE[0])
        yield Figure.absolute(
            NUMBER,
            f"{BATCH} examples of {TOKENS} tokens a step, mini, {method}",
            "MB peak RSS",
            ours.peak_rss_mb,
            goal="at most",
            limit=MOST_MB,
            estimated_mb=ours.detail["estimated_mb"],
            seconds=ours.median,
            whole_batch_mb=dict(zip(WHOLE, (small, large), strict=True)),
            whole_batch_mb_an_example=per_example,
            whole_batch_of_256_mb=small + per_example * (BATCH - WHOLE[0]),
        )


def training(method: str, batch: int, tokens: int, *, whole: bool = False) -> Measured:
    """Train on one batch of examples that fill `tokens`; as a `whole`, or as the product does it."""
    from bench.lines.adapter_step import ticket_like_a_drifts
    from bench.material import backbone, sentences
    from ltp.adapter.memory import training_bytes
    from ltp.adapter.micro_batches import USUAL, PartSize
    from ltp.adapter.train import train_adapter
    from ltp.backbone.load import load_backbone
    from ltp.config import LABELS, AdapterConfig
    from ltp.model.methods import METHODS
    from ltp.text.examples import Example

    corpus = sentences(None)
    pretrained = load_backbone(backbone("mini"))
    ticket = ticket_like_a_drifts(pretrained, corpus) if METHODS[method].needs_ticket else None  # type: ignore[index]
    texts = [" ".join(corpus[start : start + tokens // 4]) for start in range(batch + 1)]
    examples = [Example(*texts[n : n + 2], LABELS[n % len(LABELS)]) for n in range(batch)]
    config = AdapterConfig(epochs=1, batch_size=batch, max_length=tokens)
    seconds = timed(
        lambda: train_adapter(
            pretrained,
            ticket,
            method=method,  # type: ignore[arg-type]
            train=examples,
            dev=examples[:SCORED],
            config=config,
            part_size=PartSize(whole=batch * tokens, whole_length=tokens) if whole else USUAL,
        ),
        runs=1,
        warmup=0,
    )
    estimated = training_bytes(
        pretrained.info,
        method=method,  # type: ignore[arg-type]
        config=config,
        examples=batch,
        active=0 if ticket is None else ticket.active,
    )
    return Measured(seconds, detail={"estimated_mb": estimated / 1e6, "threads": __import__("torch").get_num_threads()})
