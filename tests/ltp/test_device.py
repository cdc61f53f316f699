"""What holds on any device: training, fusing and serving there agree with the processor within stated tolerances.

`LTP_DEVICE=cuda pytest -m device` runs these on a GPU; without it both sides are the processor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.every_adapter import LAYERS, Library, every_adapter
from support.synthetic import pairs, random_ticket
from support.tiny_backbone import write_tiny

from ltp.adapter.train import TrainedAdapter, train_adapter
from ltp.backbone.load import Backbone, load_backbone
from ltp.compute.device import choose_device
from ltp.compute.masked_add import FuseTask, fuse_into
from ltp.config import AdapterConfig, MLMConfig, Precision, TicketConfig
from ltp.drift.stored import Drift
from ltp.drift.train import train_drift
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest
from ltp.ticket.selection import select

pytestmark = pytest.mark.device

Record = Callable[[str, object], None]
DRIFT, OVERLAP = 1e-2, 0.98
"""Of a drift's Euclidean norm: how far it may differ (weights 1e-7 off make 1e-3: AdamW steps by the sign of gradients
that are nothing but rounding, those of key biases); and the least share of a ticket that both devices choose."""
PROBABILITY = {"fp32": 1e-5, "bf16": 2e-2}
TRAINED = 1e-3
"""Of a probability after some steps of training, which adds the differences of all of them up."""
LINES = [f"{each.premise} {each.hypothesis}" for each in pairs(24, seed=5)]


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    """Without dropout, which each kind of device draws in its own way."""
    return load_backbone(write_tiny(Path(tmp_path_factory.mktemp("calm")), layers=LAYERS, dropout=0.0))


@pytest.fixture(scope="module")
def library(calm: Backbone) -> Library:
    """Adapters of every kind."""
    return every_adapter(calm)


def trained_drift(backbone: Backbone, device: str, **changes: object) -> Drift:
    config = replace(MLMConfig(epochs=2, batch_size=8, learning_rate=1e-3), **changes)  # type: ignore[arg-type]
    return train_drift(backbone, LINES, strategy="decoupled", config=config, device=device)


def dense(drift: Drift) -> torch.Tensor:
    """Every change, one after the other; rows that are not stored did not move."""
    found = []
    for name, shape in sorted(drift.shapes.items()):
        whole = torch.zeros(shape)
        where = drift.rows[name] if name in drift.rows else slice(None)
        whole[where] = drift.values[name].float().view_as(whole[where])
        found.append(whole.flatten() * 2.0**-drift.scale_exponent)
    return torch.cat(found)


def test_a_drift_is_the_processors_and_so_is_its_ticket(calm: Backbone, device: str, record_property: Record) -> None:
    here, there = trained_drift(calm, "cpu"), trained_drift(calm, device)
    changes, others = dense(here), dense(there)
    difference = float((changes - others).norm() / changes.norm())
    config = TicketConfig(active_ratio=0.1)
    one, other = select(here, config), select(there, config)
    both = sum(
        int(np.bitwise_count(one.masks[name] & other.masks[name]).sum()) for name in one.masks.keys() & other.masks
    )
    record_property("figures", f"drift differs by {difference:.1e} of its norm, tickets share {both / one.active:.4f}")
    assert difference < DRIFT
    assert one.active == other.active
    assert both / one.active > OVERLAP


def test_a_drift_in_bf16_with_dropout_learns_there(
    tiny_backbone: Backbone, device: str, record_property: Record
) -> None:
    first = trained_drift(tiny_backbone, device, precision="bf16", epochs=4)
    again = trained_drift(tiny_backbone, device, precision="bf16", epochs=4)
    losses = first.report["losses"]
    same = torch.equal(dense(first), dense(again))
    record_property(
        "figures",
        f"validation loss {losses[0]['validation']:.3f} to {losses[-1]['validation']:.3f}, "
        f"a second run has {'the same bits' if same else 'other bits'}",
    )
    assert losses[-1]["validation"] < losses[0]["validation"]


def probabilities(backbone: Backbone, done: TrainedAdapter, ticket: object) -> torch.Tensor:
    engine = Engine(backbone, source=lambda _: (done.adapter, ticket))  # type: ignore[arg-type,return-value]
    asked = [PairRequest("it", each.premise, each.hypothesis) for each in pairs(12, seed=9)]
    return torch.tensor([answer.probabilities for answer in engine.predict(asked)])


def test_an_adapter_trained_there_answers_as_one_trained_here(
    calm: Backbone, device: str, record_property: Record
) -> None:
    ticket = random_ticket(calm, 0.2)
    config = AdapterConfig(epochs=3, batch_size=8, learning_rate=1e-3, max_length=64)
    examples = pairs(24, seed=1, cue=True)
    here, there = (
        train_adapter(calm, ticket, method="ltp", train=examples, dev=examples[:6], config=config, device=where)
        for where in ("cpu", device)
    )
    difference = float((probabilities(calm, here, ticket) - probabilities(calm, there, ticket)).abs().max())
    record_property("figures", f"probabilities differ by {difference:.1e}")
    assert difference < TRAINED


@pytest.mark.parametrize("tier", ["compact", "fused"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_mixed_batch_is_answered_as_here(
    calm: Backbone, library: Library, device: str, precision: Precision, tier: str, record_property: Record
) -> None:
    asked = [PairRequest(key, each.premise, each.hypothesis) for each in pairs(2, seed=3) for key in library]
    answers = []
    for where, exactly in (("cpu", "fp32"), (device, precision)):
        engine = Engine(
            calm,
            source=library.__getitem__,
            precision=exactly,  # type: ignore[arg-type]
            device=where,
            fused_bytes=1 << 30 if tier == "fused" else 0,
        )
        for _ in range(3 if tier == "fused" else 1):  # fused when it is asked for again
            found = engine.predict(asked)
        assert bool(engine.stats()["fused_entries"]) is (tier == "fused")
        answers.append([probability for answer in found for probability in answer.probabilities])
    difference = max(abs(one - other) for one, other in zip(*answers, strict=True))
    record_property("figures", f"probabilities differ by {difference:.1e}")
    assert difference < PROBABILITY[precision]


def test_two_adapters_answer_as_here_compact_and_fused(calm: Backbone, library: Library, device: str) -> None:
    asked = [PairRequest(key, each.premise, each.hypothesis) for each in pairs(2, seed=3) for key in ("all", "upper")]
    engines = [Engine(calm, source=library.__getitem__, device=where) for where in ("cpu", device)]
    for _ in range(2):  # fused when it is asked for again
        here, there = ([answer.probabilities for answer in engine.predict(asked)] for engine in engines)
        assert torch.allclose(torch.tensor(here), torch.tensor(there), atol=PROBABILITY["fp32"])
    assert engines[1].stats()["fused_entries"] == 2


@pytest.mark.parametrize("target", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("stored", [torch.float16, torch.float32])
@pytest.mark.parametrize("size", [1, 1000, 70_001])
def test_adding_under_a_mask_there_gives_the_processors_bits(
    device: str, size: int, stored: torch.dtype, target: torch.dtype
) -> None:
    generator = np.random.default_rng(size)
    active = generator.random(size) < 0.3
    pristine = torch.from_numpy(generator.normal(size=size).astype(np.float32))
    values = torch.from_numpy(generator.normal(size=int(active.sum())) * 1000).to(stored)
    task = FuseTask(torch.empty(size, dtype=target), pristine, values, 17, np.packbits(active, bitorder="little"))
    here = fuse_into(*task[:5])
    there = fuse_into(
        torch.empty(size, dtype=target, device=device), pristine.to(device), values.to(device), 17, task.active
    )
    bits = torch.int16 if target == torch.bfloat16 else torch.int32
    assert torch.equal(here.view(bits), there.cpu().view(bits))


def test_the_device_is_one_that_can_be_chosen(device: str) -> None:
    assert choose_device(device) == device
