"""Pairs a second of the engine: one adapter against plain loops, and many adapters in a batch against one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import torch

from bench import adapters
from bench.figure import Figure
from bench.lines import Options
from bench.material import backbone, pairs
from bench.serving_precision import chosen
from bench.side import Measured, run, timed
from ltp.backbone.load import load_backbone
from ltp.config import VERBALIZER, LayerScope, Precision
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest

NUMBER, TITLE = 8, "Throughput of the engine on pairs of real length"
RATIO = 0.2
CLASSIFIER, FILL_MASK, HUNDRED, THOUSAND, TOGETHER = 1.4, 5.0, 0.9, 0.9, 1.0
"""The goals, in the order of the rows."""
LOOP, BATCH = 32, 64
ZIPF = 1.1
ROOM = 1.001
"""A little more than what is wanted to fit takes, for the prompts."""
PEERS = {
    "classifier": "AutoModelForSequenceClassification, tokenizer(padding=True), batches of 32 in the given order, sdpa",
    "fill_mask": "AutoModelForMaskedLM, 'P . H ? <mask>', logits at all positions, three tokens read at <mask>; "
    "otherwise the same",
}
Text = tuple[str, str, str]


def figures(options: Options) -> Iterator[Figure]:
    """Rows for one adapter, a hundred fused, a thousand of which few are, and what answering together gains."""
    data = options.data
    for precision in ("bf16", "fp32"):
        ours = run(f"{__name__}:one", precision=precision, data=data)
        for peer, limit in (("classifier", CLASSIFIER), ("fill_mask", FILL_MASK)):
            theirs = run(f"{__name__}:{peer}", precision=precision, data=data)
            name = f"one adapter, base, {precision}, beside a {peer.replace('_', '-')} loop"
            yield Figure.faster(NUMBER, name, ours, theirs, unit="pairs", limit=limit, peer_is=PEERS[peer])
    served = chosen()
    alone = run(f"{__name__}:fused", count=1, precision=served, data=data)
    hundred = run(f"{__name__}:fused", count=100, precision=served, data=data)
    compared = {"unit": "pairs", "peer_is": "this engine with one adapter, batches of the same 64 pairs"}
    name = f"100 adapters, mini, all fused, uniform, batches of 64, {served}"
    yield Figure.faster(NUMBER, name, hundred, alone, limit=HUNDRED, **compared)
    alone = run(f"{__name__}:zipf", ids=1, precision=served, data=data)
    thousand = run(f"{__name__}:zipf", ids=1000, precision=served, data=data)
    name = f"1,000 ids over 50 deltas, base, middle layers, Zipf({ZIPF}), 5 % fit fused, batches of 64, {served}"
    yield Figure.faster(NUMBER, name, thousand, alone, limit=THOUSAND, **compared)
    apart = run(f"{__name__}:zipf", ids=1000, apart=True, precision=served, data=data)
    name = "the same, layers that no ticket touches once a batch beside adapter by adapter"
    peer_is = "this engine, each adapter's pairs of a batch by themselves"
    yield Figure.faster(NUMBER, name, thousand, apart, unit="pairs", limit=TOGETHER, peer_is=peer_is)


def one(precision: Precision, data: str | None) -> Measured:
    """One adapter on all layers, in the same batches as the loops it is compared with."""
    engine, _ = _engine("base", scope="all", ids=1, deltas=1, fit=1, precision=precision)
    texts = pairs(data, 256 if precision == "bf16" else 128)
    return _measured(lambda some: engine.predict(_asked(some, ["0"] * len(some))), texts, LOOP)


def classifier(precision: Precision, data: str | None) -> Measured:
    """What is run without this project for one language."""
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(backbone("base"), num_labels=3, dtype=_dtype(precision))
    model.eval()
    tokenizer = _tokenizer()

    @torch.inference_mode()
    def work(some: list[Text]) -> None:
        batch = tokenizer([p for p, _, _ in some], [h for _, h, _ in some], **_PADDED)
        model(**batch).logits.softmax(-1).tolist()

    return _measured(work, pairs(data, 256 if precision == "bf16" else 128), LOOP)


def fill_mask(precision: Precision, data: str | None) -> Measured:
    """What is run to read a verbalizer's tokens at `<mask>`."""
    from transformers import AutoModelForMaskedLM

    model = AutoModelForMaskedLM.from_pretrained(backbone("base"), dtype=_dtype(precision))
    model.eval()
    tokenizer = _tokenizer()
    words = [tokenizer.convert_tokens_to_ids(f"▁{word}") for word in VERBALIZER.values()]

    @torch.inference_mode()
    def work(some: list[Text]) -> None:
        batch = tokenizer([f"{p} . {h} ? <mask>" for p, h, _ in some], **_PADDED)
        logits = model(**batch).logits  # (B, T, V)
        where = (batch["input_ids"] == tokenizer.mask_token_id).nonzero(as_tuple=True)
        logits[where][:, words].float().softmax(-1).tolist()

    return _measured(work, pairs(data, 64 if precision == "bf16" else 32), LOOP)


_PADDED: dict[str, Any] = {"padding": True, "truncation": True, "max_length": 256, "return_tensors": "pt"}


def _dtype(precision: Precision) -> torch.dtype:
    return {"bf16": torch.bfloat16, "fp32": torch.float32}[precision]


def _tokenizer() -> Any:
    from transformers import PreTrainedTokenizerFast

    special = {
        "bos": "<s>",
        "eos": "</s>",
        "cls": "<s>",
        "sep": "</s>",
        "unk": "<unk>",
        "pad": "<pad>",
        "mask": "<mask>",
    }
    tokens = {f"{name}_token": token for name, token in special.items()}
    return PreTrainedTokenizerFast(tokenizer_file=str(backbone("base") / "tokenizer.json"), **tokens)


def fused(count: int, precision: Precision, data: str | None) -> Measured:
    """`mini` with `count` fused adapters, each pair for any of them."""
    engine, keys = _engine("mini", scope="all", ids=count, deltas=count, fit=count, precision=precision)
    chance, texts = random.Random(1), pairs(data, 10 * BATCH)
    for _ in range(2):
        engine.predict(_asked(texts[: len(keys)], keys))
    measured = _measured(lambda some: engine.predict(_asked(some, chance.choices(keys, k=len(some)))), texts, BATCH)
    measured.detail["fused_entries"] = engine.stats()["fused_entries"]
    return measured


def zipf(ids: int, precision: Precision, data: str | None, *, apart: bool = False) -> Measured:
    """`base` with deltas on the middle layers, asked for by Zipf's law; `apart` answers adapter by adapter."""
    deltas, fit = min(ids, 50), max(1, ids // 20)
    engine, keys = _engine("base", scope="middle", ids=ids, deltas=deltas, fit=fit, precision=precision)
    weights = [(rank + 1) ** -ZIPF for rank in range(ids)]
    chance, texts = random.Random(1), pairs(data, 4 * BATCH)
    chance.shuffle(keys)

    def work(some: list[Text]) -> None:
        asked = _asked(some, chance.choices(keys, weights, k=len(some)))
        for key in dict.fromkeys(request.key for request in asked) if apart else [None]:
            engine.predict([request for request in asked if key in (None, request.key)])

    for number in range(0 if ids == 1 else 8):  # until those who are asked for most are fused
        work(texts[number % 4 * BATCH :][:BATCH])
    before = engine.stats()
    measured = _measured(work, texts, BATCH)
    after = engine.stats()
    hits, misses = (after[f"fused_{figure}"] - before[f"fused_{figure}"] for figure in ("hits", "misses"))
    measured.detail |= {
        "fused_hit_ratio": hits / (hits + misses),
        **{name: after[name] for name in ("fused_entries", "compact_entries", "fused_bytes", "compact_bytes")},
    }
    return measured


def _engine(
    name: str, *, scope: LayerScope, ids: int, deltas: int, fit: int, precision: Precision
) -> tuple[Engine, list[str]]:
    """An engine with room for `fit` fused adapters and a fifth of all compact; `ids` keys share `deltas` deltas."""
    loaded = load_backbone(backbone(name))
    ticket = adapters.ticket(loaded, RATIO, scope=scope)
    made = [adapters.adapter(loaded, ticket, seed=seed) for seed in range(deltas)]
    shelf = {f"{number}": (made[number % deltas], ticket) for number in range(ids)}
    trial = Engine(loaded, source=shelf.__getitem__, precision=precision, fused_bytes=1 << 40)
    for _ in range(2):  # an adapter is fused when it is asked for again
        trial.predict([PairRequest("0", "a", "b")])
    engine = Engine(
        loaded,
        source=shelf.__getitem__,
        precision=precision,
        fused_bytes=int(fit * trial.stats()["fused_bytes"] * ROOM),
        compact_bytes=int(max(1, ids // 5) * trial.stats()["compact_bytes"] * ROOM),
    )
    return engine, [*shelf]


def _asked(texts: list[Text], keys: list[str]) -> list[PairRequest]:
    return [PairRequest(key, premise, hypothesis) for key, (premise, hypothesis, _) in zip(keys, texts, strict=True)]


def _measured(work: Callable[[list[Text]], object], texts: list[Text], size: int) -> Measured:
    batches = [texts[first : first + size] for first in range(0, len(texts), size)]
    for _ in range(2):
        work(batches[0])
    seconds = timed(lambda: [work(batch) for batch in batches], runs=3, warmup=0)
    return Measured(seconds, units=len(texts), detail={"threads": torch.get_num_threads()})
