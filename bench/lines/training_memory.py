"""Line 11: what training takes of memory: few-shot training on long examples, and stage 1 where the output trains.

A whole training of `mini` in a process of its own: one epoch of one step, its scores, the adapter. Beside it what a
step takes when its batch is computed as a whole, from two batches that fit in memory. Under `tied` the softmax reaches
every row of a matrix of 250,002: what one call of the loss adds, and what a whole run takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.figure import Figure
from bench.lines import Options
from bench.side import Measured, run, timed

NUMBER, TITLE = 11, "Memory of few-shot training on long examples, and of `tied`"
BATCH, TOKENS, SCORED = 256, 512, 9
MOST_MB = 6000
WHOLE = (8, 16)
"""Examples of the batches that are computed as a whole."""
SOFTMAX_MB = 2000
ASKED = 307
"""Masked positions of a part of a batch: 15 % of 2,048 tokens."""
TIED_LINES = 71
"""Sentences of a whole run under `tied`: two steps, and its validations."""
MODULE = "bench.lines.training_memory"


def figures(_: Options) -> Iterator[Figure]:
    """The loss and a run under `tied`; then a row for the prompt alone and one for a 20 % ticket."""
    for name in ("base", "mini"):
        loss = run(f"{MODULE}:tied_loss", name=name)
        yield Figure.absolute(
            NUMBER,
            f"what the loss over the vocabulary adds under `tied`, {name}, {ASKED} masked positions",
            "MB",
            loss.detail["extra_mb"],
            goal="at most",
            limit=SOFTMAX_MB,
            decoder_mb=loss.detail["decoder_mb"],
            seconds=loss.median,
        )
    whole = run(f"{MODULE}:tied_run", name="mini")
    yield Figure.absolute(
        NUMBER,
        "a whole MLM run under `tied`, mini",
        "MB peak RSS",
        whole.peak_rss_mb,
        goal="at most",
        limit=whole.detail["estimated_mb"],
        seconds=whole.median,
        limit_is="the estimate that a service refuses by",
    )
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


def tied_loss(name: str) -> Measured:
    """Grow by one call of the loss and its way back, beside a decoder and a gradient that are there already."""
    import torch

    from bench.material import BASE, backbone
    from bench.side import extra_mb
    from ltp.backbone.load import load_backbone
    from ltp.drift.cross_entropy import masked_loss

    hidden = BASE["hidden_size"] if name == "base" else load_backbone(backbone(name)).info.hidden
    vocabulary = int(BASE["vocab_size"])
    decoder = torch.nn.Parameter(0.02 * torch.randn(vocabulary, int(hidden)))
    decoder.grad = torch.zeros_like(decoder)
    bias = torch.zeros(vocabulary, requires_grad=True)
    features, targets = torch.randn(ASKED, int(hidden), requires_grad=True), torch.randint(0, vocabulary, (ASKED,))

    def work() -> None:
        loss = masked_loss(
            features, decoder, bias, targets, dtype=torch.float32, weight=1 / ASKED, to_decoder=decoder.grad
        )
        loss.backward()  # type: ignore[no-untyped-call]

    taken = list[float]()
    extra = extra_mb(lambda: taken.extend(timed(work, runs=1, warmup=0)))
    return Measured(taken, detail={"extra_mb": extra, "decoder_mb": decoder.nbytes / 1e6})


def tied_run(name: str) -> Measured:
    """Train on few sentences from the first to the drift."""
    from bench.material import backbone, sentences
    from ltp.backbone.load import load_backbone
    from ltp.config import MLMConfig
    from ltp.drift.memory import drift_bytes
    from ltp.drift.train import train_drift

    lines, config = sentences(None)[:TIED_LINES], MLMConfig(epochs=1)
    pretrained = load_backbone(backbone(name))
    seconds = timed(lambda: train_drift(pretrained, lines, strategy="tied", config=config), runs=1, warmup=0)
    estimated = drift_bytes(pretrained.info, strategy="tied", config=config, lines=len(lines))
    return Measured(seconds, detail={"estimated_mb": estimated / 1e6})


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
