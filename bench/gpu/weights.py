"""What it takes to fuse an adapter of XLM-R base, to answer with it for the first time, and to go over to another."""

from __future__ import annotations

import torch

from bench import adapters
from bench.gpu.device import Setting
from ltp.adapter.artefact import Adapter
from ltp.backbone.load import Backbone, load_backbone
from ltp.compute.masked_add import FuseTask, fuse_all
from ltp.engine.compact import CompactAdapter
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest
from ltp.engine.shared_weights import SharedWeights
from ltp.model.arithmetic import DTYPES
from ltp.ticket.mask import Ticket

RATIO = 0.2
HELD = 4
"""Adapters that are gone over to in turn."""


def base(setting: Setting) -> None:
    """Fusing, switching, the first answer, and positions of a ticket."""
    made = setting.material("base")
    backbone = load_backbone(made.folder)
    ticket = adapters.ticket(backbone, RATIO)
    held = [adapters.adapter(backbone, ticket, seed=seed) for seed in range(HELD)]
    shared = SharedWeights(backbone.on(setting.device), precision="bf16")
    for name, dtype in DTYPES.items():
        with setting.measuring(f"adding under a mask, all layers, {name}") as figures:
            tasks = _tasks(setting, shared, held[0], ticket, dtype)
            seconds = setting.time(lambda tasks=tasks: fuse_all(tasks))  # type: ignore[misc]
            moved = sum(
                task.pristine.nbytes + task.buffer.nbytes + task.values.nbytes + task.active.nbytes for task in tasks
            )
            figures |= seconds | {"gb_a_second": moved / seconds["median_s"] / 1e9, "megabytes": moved / 1e6}
    with setting.measuring("fusing an adapter of 20 % of all layers, bf16") as figures, torch.inference_mode():
        compact = CompactAdapter(shared, held[0], ticket)
        figures |= setting.time(compact.fused) | {"fused_mb": compact.fused_nbytes / 1e6}
    with setting.measuring("making an adapter compact") as figures, torch.inference_mode():
        figures |= setting.time(lambda: CompactAdapter(shared, held[0], ticket))
    _answers(setting, backbone, held, ticket)
    with setting.measuring("positions of a ticket") as figures:
        name = max(ticket.masks, key=lambda name: ticket.counts[name])
        figures |= setting.time(lambda: ticket.positions(name).to(setting.device)) | {"active": ticket.counts[name]}


def _tasks(
    setting: Setting, shared: SharedWeights, adapter: Adapter, ticket: Ticket, dtype: torch.dtype
) -> list[FuseTask]:
    compact = CompactAdapter(shared, adapter, ticket)
    return [
        compact.fuse_task(torch.empty(ticket.shapes[name], dtype=dtype, device=setting.device), name)
        for name in ticket.masks
        if ".layer." in name and name.endswith("weight") and len(ticket.shapes[name]) == 2
    ]


def _answers(setting: Setting, backbone: Backbone, held: list[Adapter], ticket: Ticket) -> None:
    shelf = {str(number): (adapter, ticket) for number, adapter in enumerate(held)}
    pair = ("w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12", "w1 w2 w3 w4 w5 w6")
    with setting.measuring("answering one pair") as figures:
        engine = Engine(
            backbone, source=shelf.__getitem__, precision="bf16", device=setting.device, fused_bytes=1 << 40
        )
        for _ in range(2):
            engine.predict([PairRequest(key, *pair) for key in shelf])
        figures["the same adapter"] = setting.time(lambda: engine.predict([PairRequest("0", *pair)]), warm=5)
        turn = iter(range(10**9))
        figures["another one each time, fused"] = setting.time(
            lambda: engine.predict([PairRequest(str(next(turn) % HELD), *pair)]), warm=5
        )
    with setting.measuring("answering one pair with an adapter that is not fused") as figures:
        engine = Engine(backbone, source=shelf.__getitem__, precision="bf16", device=setting.device, fused_bytes=0)
        engine.predict([PairRequest("0", *pair)])
        figures["compact"] = setting.time(lambda: engine.predict([PairRequest("0", *pair)]))

        def first() -> None:
            engine.drop("1")
            engine.predict([PairRequest("1", *pair)])

        figures["from the source"] = setting.time(first)
