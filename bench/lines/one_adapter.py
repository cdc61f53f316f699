"""One adapter: the engine beside what a careful user serves one classifier with, in bulk and one pair at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch

from bench import adapters, whole_models
from bench.figure import Figure
from bench.lines import Options
from bench.material import backbone, pairs
from bench.side import Measured, run, timed
from ltp.backbone.load import load_backbone
from ltp.compute.bf16 import has_bf16
from ltp.config import Precision
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest

NUMBER, TITLE = 19, "One adapter beside whole models, tokenising counted on both sides"
RATIO = 0.2
OPENVINO, SORTED, ONNX, LATENCY = 1.25, 1.5, 1.25, 0.8
"""The goals: of throughput beside each peer, and of the time of one pair beside OpenVINO's."""
COUNTS = {"mini": 256, "base": 64}
ONE_BY_ONE = 48
PEERS: dict[str, tuple[str, float]] = {
    "openvino": ("OpenVINO's conversion of the classifier, PERFORMANCE_HINT=LATENCY, batches of 32", OPENVINO),
    "transformers": ("AutoModelForSequenceClassification, sdpa, batches of 32", SORTED),
    "onnxruntime": ("onnxruntime on the ONNX export, batches of 32", ONNX),
    "onnxruntime_int8": ("onnxruntime on the ONNX export with dynamic int8, batches of 32; ours is not int8", ONNX),
}
"""What each is, beside pairs sorted by length, and the goal beside it."""


def figures(options: Options) -> Iterator[Figure]:
    """For each backbone, in fp32 and where the processor has it bf16."""
    precisions: list[Precision] = ["fp32", *(["bf16"] if has_bf16("cpu") else [])]
    for name in COUNTS:
        for precision in precisions:
            sides = {"name": name, "precision": precision, "data": options.data}
            ours = run(f"{__name__}:bulk", side="ours", **sides)
            for peer, (what, limit) in PEERS.items():
                if precision == "fp32" or not peer.startswith("onnx"):
                    theirs = run(f"{__name__}:bulk", side=peer, **sides)
                    row = f"{name}, {precision}, beside {peer.replace('_', ', ')}"
                    yield Figure.faster(NUMBER, row, ours, theirs, unit="pairs", limit=limit, peer_is=what)
            alone, theirs = (run(f"{__name__}:one_by_one", side=side, **sides) for side in ("ours", "openvino"))
            yield Figure.compared(
                NUMBER,
                f"{name}, {precision}, one pair at a time, beside openvino",
                "ms",
                ours=1000 * alone.median,
                peer=1000 * theirs.median,
                goal="at most",
                limit=LATENCY,
                our_runs=alone.summary(),
                peer_runs=theirs.summary(),
            )


def bulk(side: str, name: str, precision: Precision, data: str | None) -> Measured:
    """All pairs in one call."""
    texts, answer = pairs(data, COUNTS[name]), _answer(side, name, precision)
    seconds = timed(lambda: answer(texts), runs=3, warmup=2)
    return Measured(seconds, units=len(texts), detail={"threads": torch.get_num_threads()})


def one_by_one(side: str, name: str, precision: Precision, data: str | None) -> Measured:
    """Each pair in a call of its own."""
    texts, answer = pairs(data, ONE_BY_ONE), _answer(side, name, precision)
    for text in texts[:8]:
        answer([text])
    seconds = [timed(partial(answer, [text]), runs=1, warmup=0)[0] for text in texts]
    return Measured(seconds, detail={"threads": torch.get_num_threads()})


def _answer(side: str, name: str, precision: Precision) -> Callable[[Sequence[tuple[str, str, str]]], Any]:
    if side != "ours":
        peer, _, int8 = side.partition("_")
        options = {"int8": True} if int8 else {}
        found: whole_models.Answer = getattr(whole_models, peer)(name, precision, **options)
        return found
    loaded = load_backbone(backbone(name))
    ticket = adapters.ticket(loaded, RATIO)
    adapter = adapters.adapter(loaded, ticket, seed=0)
    engine = Engine(loaded, source=lambda _: (adapter, ticket), precision=precision, fused_bytes=1 << 40)
    for _ in range(2):  # an adapter is fused when it is asked for again
        engine.predict([PairRequest("", "a", "b")])
    return lambda texts: engine.predict([PairRequest("", premise, hypothesis) for premise, hypothesis, _ in texts])
