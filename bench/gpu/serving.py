"""Pairs a second of the engine in bf16: one adapter, many fused ones, many fused just in time; a plain classifier."""

from __future__ import annotations

import random
from typing import Any

import torch

from bench import adapters
from bench.gpu.arithmetic import forward_operations
from bench.gpu.device import Setting
from bench.gpu.material import Material
from ltp.backbone.load import Backbone, load_backbone
from ltp.config import LayerScope
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest
from ltp.text.examples import Example

RATIO, SCOPE = 0.2, "middle"
DELTAS = 16
"""Different ones; an adapter more is another key, fused by itself."""
COUNTS, SMALL_COUNTS = (1, 100, 1_000), (1, 4, 12)
COMPACT_BYTES, AT_ONCE = 1 << 32, 50
"""For the values of some hundred adapters: those that are fused need them no more. And how many are fused at a time."""
BATCHES, SMALL_BATCHES = (64, 256), (2, 4)
"""Pairs of a call: what a batch of the service has when it is half full, and several."""
ROUNDS, SMALL_ROUNDS = 4, 1
"""Calls of one timed run, each with other pairs."""
CLASSIFIER = "AutoModelForSequenceClassification, bf16, sdpa, tokenizer(padding=True), in the given order"


def base(setting: Setting) -> None:
    """XLM-R base: adapters on the four middle layers; then one on all layers."""
    made = setting.material("base")
    backbone = load_backbone(made.folder)
    counts = SMALL_COUNTS if setting.small else COUNTS
    one: dict[int, float] = {}
    shelf = _Shelf(backbone, SCOPE)
    for count in counts:
        with setting.measuring(f"engine, {count:,} adapters") as figures, setting.watching_memory(figures):
            figures |= _of_many(setting, backbone, made, shelf.engine(setting, count, fused=True), count)
            for size in batches(setting):
                rate = figures[f"batches of {size}"]
                one.setdefault(size, rate["pairs_a_second"])
                rate["of_one_adapter"] = rate["pairs_a_second"] / one[size]
    with setting.measuring(f"engine, {counts[1]:,} adapters, none fused") as figures:
        figures |= _of_many(setting, backbone, made, shelf.engine(setting, counts[1], fused=False), counts[1])
    _plain_classifier(setting, backbone, made, one)
    _everywhere(setting, backbone, made)


def _everywhere(setting: Setting, backbone: Backbone, made: Material) -> None:
    with setting.measuring("engine, one adapter on all layers") as figures:
        figures |= _of_many(
            setting, backbone, made, _Shelf(backbone, "all", deltas=1).engine(setting, 1, fused=True), 1
        )


def batches(setting: Setting) -> tuple[int, ...]:
    """Sizes of calls."""
    return SMALL_BATCHES if setting.small else BATCHES


def rounds(setting: Setting) -> int:
    """Calls of one timed run."""
    return SMALL_ROUNDS if setting.small else ROUNDS


class _Shelf:
    """Adapters of one scope, made once."""

    def __init__(self, backbone: Backbone, scope: LayerScope, *, deltas: int = DELTAS) -> None:
        self._backbone = backbone
        self._ticket = adapters.ticket(backbone, RATIO, scope=scope)
        self._made = [adapters.adapter(backbone, self._ticket, seed=seed) for seed in range(deltas)]

    def engine(self, setting: Setting, count: int, *, fused: bool) -> Engine:
        """An engine that has answered with each of `count` adapters until it is fused, or holds none fused."""
        shelf = {str(number): (self._made[number % len(self._made)], self._ticket) for number in range(count)}
        engine = Engine(
            self._backbone,
            source=shelf.__getitem__,
            precision="bf16",
            device=setting.device,
            fused_bytes=1 << 40 if fused else 0,
            compact_bytes=COMPACT_BYTES,
        )
        asked = [PairRequest(key, "w1 w2", "w3") for key in shelf]
        for first in range(0, count, AT_ONCE):
            for _ in range(2):  # an adapter is fused when it is asked for again
                engine.predict(asked[first : first + AT_ONCE])
        return engine


def _of_many(setting: Setting, backbone: Backbone, made: Material, engine: Engine, count: int) -> dict[str, Any]:
    """Pairs for any of `count` adapters, by size of batch; and what is fused at the end."""
    found: dict[str, Any] = {}
    for size in batches(setting):
        chance, pairs = random.Random(size), made.pairs(size * rounds(setting), seed=size)
        asked = [PairRequest(str(chance.randrange(count)), pair.premise, pair.hypothesis) for pair in pairs]
        calls = [asked[first : first + size] for first in range(0, len(asked), size)]
        seconds = setting.time(lambda calls=calls: [engine.predict(call) for call in calls], warm=1)  # type: ignore[misc]
        found[f"batches of {size}"] = _figures(backbone, pairs, seconds)
    stats = engine.stats()
    return found | {name: stats[name] for name in ("fused_entries", "fused_bytes", "compact_entries", "compact_bytes")}


def _figures(backbone: Backbone, pairs: list[Example], seconds: dict[str, float]) -> dict[str, float]:
    lengths = [len(f"{pair.premise} {pair.hypothesis}".split()) + 9 for pair in pairs]
    operations = forward_operations(backbone.architecture, lengths) / seconds["median_s"]
    return seconds | {
        "pairs_a_second": len(pairs) / seconds["median_s"],
        "tera_operations_a_second": operations / 1e12,
    }


def _plain_classifier(setting: Setting, backbone: Backbone, made: Material, one: dict[int, float]) -> None:
    with setting.measuring("plain classifier") as figures, setting.watching_memory(figures):
        from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast

        from bench.trainer import SPECIAL

        special = {f"{name}_token": piece for name, piece in SPECIAL.items()}
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(made.folder / "tokenizer.json"), **special)
        model = AutoModelForSequenceClassification.from_pretrained(made.folder, num_labels=3, dtype=torch.bfloat16)
        model.to(setting.device).eval()

        @torch.inference_mode()
        def answer(some: list[Example]) -> Any:
            texts = [pair.premise for pair in some], [pair.hypothesis for pair in some]
            batch = tokenizer(*texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
            return model(**batch.to(setting.device)).logits.softmax(-1).tolist()

        for size in batches(setting):
            pairs = made.pairs(size * rounds(setting), seed=size)
            calls = [pairs[first : first + size] for first in range(0, len(pairs), size)]
            seconds = setting.time(lambda: [answer(call) for call in calls], warm=1)  # noqa: B023
            rate = _figures(backbone, pairs, seconds)
            ratio = one[size] / rate["pairs_a_second"] if size in one else None
            figures[f"batches of {size}"] = rate | {"our_one_adapter_over_this": ratio}
        figures["peer"] = CLASSIFIER
