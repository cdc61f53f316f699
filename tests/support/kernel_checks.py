"""What Triton's kernels have to give, as a program: compiled on a GPU, else in Triton's interpreter.

The interpreter is chosen when Triton is first imported, which torch may do: so `python -m support.kernel_checks` is a
process of its own, with TRITON_INTERPRET=1 where there is no GPU. It prints the name of each check that it made.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from support.synthetic import pairs, random_changes, random_ticket
from support.tiny_backbone import write_tiny

from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.backbone.load import Backbone, load_backbone
from ltp.compute.cuda import kernels
from ltp.compute.cuda.adding import add_plainly, launch
from ltp.compute.cuda.masks import BLOCK, counted
from ltp.compute.cuda.products import multiply, tiles
from ltp.compute.fuse_task import FuseTask
from ltp.delta.delta import encode
from ltp.engine.compact import CompactAdapter
from ltp.engine.forward import Forward
from ltp.engine.grouped import GroupedEdges, Grouping
from ltp.engine.packing import pack_mixed
from ltp.engine.shared_weights import SharedWeights
from ltp.ticket.mask import Ticket

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SIZES = (1, 7, BLOCK - 1, BLOCK, 2 * BLOCK + 9)


def made_up(size: int, *, seed: int, stored: torch.dtype, target: torch.dtype, exponent: int = 17) -> FuseTask:
    generator = np.random.default_rng(seed)
    active = generator.random(size) < 0.3
    values = torch.from_numpy(generator.normal(size=int(active.sum())) * 1000).to(DEVICE, stored)
    pristine = torch.from_numpy(generator.normal(size=size).astype(np.float32)).to(DEVICE)
    pristine[::7] = -0.0
    buffer = torch.full((size,), torch.nan, dtype=target, device=DEVICE)
    return FuseTask(buffer, pristine, values, exponent, np.packbits(active, bitorder="little"))


def bits(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.view(torch.int16 if tensor.dtype == torch.bfloat16 else torch.int32)


def one_launch_fuses_many_tensors_to_the_bits_of_one_by_one() -> None:
    kinds = [
        (stored, target) for stored in (torch.float16, torch.float32) for target in (torch.float32, torch.bfloat16)
    ]
    for (stored, target), exponent in zip(kinds * 2, (17, -3, 40, 17, -3, 40, 17, -3), strict=True):
        tasks = [made_up(size, seed=size, stored=stored, target=target, exponent=exponent) for size in SIZES]
        plain = [task._replace(buffer=torch.empty_like(task.buffer)) for task in tasks]
        launch(tasks)
        for task, wanted in zip(tasks, plain, strict=True):
            add_plainly(wanted)
            assert torch.equal(bits(task.buffer), bits(wanted.buffer))


def a_tensor_may_be_fused_in_place_and_what_lies_around_it_stays() -> None:
    task = made_up(BLOCK + 3, seed=1, stored=torch.float16, target=torch.float32)
    wanted = task._replace(buffer=torch.empty_like(task.buffer))
    add_plainly(wanted)
    room = torch.full((2 * BLOCK,), torch.nan, device=DEVICE)
    inside = room[16 : 16 + BLOCK + 3]
    inside.copy_(task.pristine)
    launch([task._replace(buffer=inside, pristine=inside)])
    assert torch.equal(bits(inside), bits(wanted.buffer))
    assert room[:16].isnan().all()
    assert room[16 + BLOCK + 3 :].isnan().all()


def bits_are_counted_and_named_as_they_lie() -> None:
    for size in (1, 8, BLOCK // 8, 3 * BLOCK // 8 + 5):
        count_and_name(size)


def count_and_name(size: int) -> None:
    mask = np.random.default_rng(size).integers(0, 256, size, np.uint8)
    there, width = torch.from_numpy(mask).to(DEVICE), BLOCK // 8
    blocks = -(-size // width)
    counts = torch.empty(blocks, dtype=torch.int64, device=DEVICE)
    kernels.count_blocks[(blocks,)](there, counts, size, BYTES=width)
    first = counted(torch.from_numpy(mask))
    assert torch.equal(counts.cpu().cumsum(0), first[1:])
    found = torch.full((int(first[-1]),), -1, dtype=torch.int64, device=DEVICE)
    kernels.name_places[(blocks,)](there, first.to(DEVICE), found, 8 * size, BLOCK=BLOCK)
    assert np.array_equal(found.cpu().numpy(), np.flatnonzero(np.unpackbits(mask, bitorder="little")))


def rows_are_multiplied_by_weights_of_their_own() -> None:
    generator = torch.Generator().manual_seed(0)
    starts, stops, width, height = np.array([0, 5, 70]), np.array([5, 70, 201]), 48, 136
    kinds = {torch.float32: 1e-5, torch.bfloat16: 1e-2}
    if DEVICE == "cpu":
        del kinds[torch.bfloat16]  # of which the interpreter multiplies the bits as whole numbers (Triton 3.6)
    for kind, tolerance in kinds.items():
        rows, weights, biases = (
            torch.randn(shape, generator=generator).to(DEVICE, kind)
            for shape in ((201, width), (3, height, width), (3, height))
        )
        addresses = np.array(
            [[[weight.data_ptr(), bias.data_ptr()]] for weight, bias in zip(weights, biases, strict=True)]
        )
        table = torch.from_numpy(tiles(starts, stops, addresses))[0].to(DEVICE)
        found = multiply(rows, table, height).float()
        for start, stop, weight, bias in zip(starts, stops, weights, biases, strict=True):
            wanted = rows[start:stop].float() @ weight.float().T + bias.float()
            assert (found[start:stop] - wanted).norm() < tolerance * wanted.norm()


def a_batch_whose_products_are_grouped_is_answered_as_one_whose_are_not() -> None:
    torch.backends.mkldnn.is_available = lambda: False  # as on a GPU: weights stay in their own order
    with tempfile.TemporaryDirectory() as folder:
        backbone = load_backbone(write_tiny(Path(folder)))
    ticket, shared = random_ticket(backbone, 0.2), SharedWeights(backbone.on(DEVICE))
    parts = []
    for number in range(4):
        adapter = made_adapter(backbone, ticket, seed=number)
        compact = CompactAdapter(shared, adapter, ticket)
        view = compact.fused()
        texts = [(each.premise, each.hypothesis) for each in pairs(2, seed=number)]
        parts.append((view, view.template.encode(texts)))
    batch, grouping = pack_mixed(parts, pad=backbone.special.pad), Grouping(shared, anywhere=True)
    edges = grouping([(span.view, *span.tokens) for span in batch.spans])
    assert isinstance(edges, GroupedEdges)
    assert set(edges.tables) == set(shared.products)
    assert not isinstance(grouping(edges[:1]), GroupedEdges)
    loose = [(parts[0][0], 0, 1), (CompactAdapter(shared, made_adapter(backbone, ticket, seed=9), ticket).view, 1, 2)]
    apart = grouping(loose)
    assert isinstance(apart, GroupedEdges)
    assert not apart.tables, "one that is not fused cannot be grouped"
    with torch.inference_mode():
        together, alone = (Forward(shared, grouping=Grouping(shared, anywhere=way))(batch) for way in (True, False))
    assert torch.allclose(together, alone, atol=1e-5)
    assert not torch.allclose(together[:2], together[2:4], atol=1e-3)


def made_adapter(backbone: Backbone, ticket: Ticket, *, seed: int) -> Adapter:
    return Adapter(
        prompt=torch.randn(4, backbone.info.hidden, generator=torch.Generator().manual_seed(seed)),
        delta=encode(random_changes(ticket, seed=seed), ticket),
        method="ltp",
        strategy="decoupled",
        backbone=backbone.info.fingerprint,
        ticket_sha256=ticket.sha256,
        template=TemplateOptions(literal=False, max_length=64),
    )


CHECKS = (
    one_launch_fuses_many_tensors_to_the_bits_of_one_by_one,
    a_tensor_may_be_fused_in_place_and_what_lies_around_it_stays,
    bits_are_counted_and_named_as_they_lie,
    rows_are_multiplied_by_weights_of_their_own,
    a_batch_whose_products_are_grouped_is_answered_as_one_whose_are_not,
)

if __name__ == "__main__":
    for check in CHECKS:
        check()
        sys.stdout.write(f"{check.__name__}\n")
