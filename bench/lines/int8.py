"""Answers in int8 beside those in this engine's other arithmetics: pairs a second, and what a fused adapter keeps."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from bench import adapters
from bench.figure import Figure
from bench.lines import Options
from bench.material import backbone, pairs
from bench.side import Measured, run, timed
from ltp.backbone.load import load_backbone
from ltp.compute.bf16 import has_bf16
from ltp.config import ServingPrecision
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest

NUMBER, TITLE = 18, "Answers in int8, one adapter, batches of 32 pairs"
BESIDE_FP32, BESIDE_BF16 = 1.3, 1.6
RATIO, BATCH = 0.2, 32
PAIRS = {"mini": 256, "base": 96}


def figures(options: Options) -> Iterator[Figure]:
    """A row for each backbone beside fp32, and beside bf16 on a processor that has it."""
    others: dict[ServingPrecision, float] = {"fp32": BESIDE_FP32}
    if has_bf16("cpu"):
        others["bf16"] = BESIDE_BF16
    for name in PAIRS:
        ours = run(f"{__name__}:one", name=name, precision="int8", data=options.data)
        for precision, limit in others.items():
            theirs = run(f"{__name__}:one", name=name, precision=precision, data=options.data)
            peer_is = f"this engine in {precision}, fused adapter of {theirs.detail['fused_mb']:.0f} MB"
            yield Figure.faster(NUMBER, name, ours, theirs, unit="pairs", limit=limit, peer_is=peer_is)


def one(name: str, precision: ServingPrecision, data: str | None) -> Measured:
    """One adapter on all layers, fused."""
    loaded = load_backbone(backbone(name))
    ticket = adapters.ticket(loaded, RATIO)
    adapter = adapters.adapter(loaded, ticket, seed=0)
    engine = Engine(loaded, source=lambda _: (adapter, ticket), precision=precision)
    asked = [PairRequest("0", premise, hypothesis) for premise, hypothesis, _ in pairs(data, PAIRS[name])]
    batches = [asked[first : first + BATCH] for first in range(0, len(asked), BATCH)]
    for _ in range(2):  # an adapter is fused when it is asked for again
        engine.predict(batches[0])
    seconds = timed(lambda: [engine.predict(batch) for batch in batches], runs=3, warmup=0)
    detail = {"threads": torch.get_num_threads(), "fused_mb": engine.stats()["fused_bytes"] / 1e6}
    return Measured(seconds, units=len(asked), detail=detail)
