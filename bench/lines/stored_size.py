"""A 20 % adapter of XLM-R base at rest, against two other sparse formats and a checkpoint; and fused from there."""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Iterator
from math import prod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from app.registry.tickets import compress
from bench import made_up
from bench.figure import Figure
from bench.lines import Options
from bench.side import Measured, run, timed
from ltp.adapter.artefact import Adapter
from ltp.backbone.architecture import WORD_EMBEDDINGS
from ltp.delta.delta import DeltaDtype
from ltp.delta.fuse import fuse, positions_in
from ltp.ticket.mask import Ticket

NUMBER, TITLE = 5, "A 20 % adapter of XLM-R base at rest, and fused from there"
BYTES, FASTER = 2.1, 3
INT8_BYTES, INT8_SPEED = 1.05, 0.9
SFT, SHIRA, CHECKPOINT = "composable-sft", "SHiRA", "checkpoint"
PEERS = {
    SFT: "the layout of its own code (github.com/cambridgeltl/composable-sft at 29f7872, Apache-2.0; no package index "
    "has it): of each tensor fp32 values, the size, and a pickled list of Python ints, 2, 3 or 5 bytes each by size, "
    "the steps between the changed elements' flat indices, which count the first dimension fastest, column-major (the "
    "first step stays numpy's int64); changes of at most 1e-7 are left out; torch.save. --sft holds this against it",
    SHIRA: "PEFT's layout of matrices: two int32 indices and an fp32 value; safetensors",
    CHECKPOINT: "every parameter in fp32, the output embeddings tied; safetensors",
}


def figures(options: Options) -> Iterator[Figure]:
    """Bytes a value, against each peer; then fusing."""
    if options.sft:
        run(f"{__name__}:as_its_own_code", checkout=options.sft)
    sizes = run(f"{__name__}:sizes").detail
    moved, ours = sizes["moved"], sizes["ours"]
    detail = {key: sizes[key] for key in ("moved", "mask_plain_mb", "mask_stored_mb")}
    yield Figure.absolute(
        NUMBER,
        "bytes a value that moved, the mask once a ticket",
        "bytes",
        ours / moved,
        goal="at most",
        limit=BYTES,
        with_a_ticket_of_its_own=ours / moved + 1e6 * sizes["mask_stored_mb"] / moved,
        **detail,
    )
    for peer, what in PEERS.items():
        size = sizes[peer]
        yield Figure.compared(
            NUMBER,
            f"file, beside {peer}",
            "MB",
            ours=ours / 1e6,
            peer=size / 1e6,
            goal="at most",
            limit=BYTES * moved / size,
            peer_is=what,
            peer_bytes_a_value=size / moved,
            **({"installed_peft_bytes_a_value": sizes["installed"]} if peer == SHIRA else {}),
        )
    fused, masked = run(f"{__name__}:by_blocks"), run(f"{__name__}:by_boolean_mask")
    yield Figure.faster(
        NUMBER,
        "fusing from the stored form",
        fused,
        masked,
        unit="M weights",
        limit=FASTER,
        peer_is="clone; weight[mask] += values, masks and fp32 values in memory",
    )
    yield from int8_figures(fused)


def int8_figures(fp16: Measured) -> Iterator[Figure]:
    """The same adapter with int8 values: its bytes a value, and fusing it beside `fp16`."""
    size = run(f"{__name__}:int8_size").detail
    yield Figure.absolute(
        NUMBER,
        "bytes a value that moved, in int8",
        "bytes",
        size["file"] / size["moved"],
        goal="at most",
        limit=INT8_BYTES,
        **size,
    )
    yield Figure.faster(
        NUMBER,
        "fusing from int8, beside fp16",
        run(f"{__name__}:codes_by_blocks"),
        fp16,
        unit="M weights",
        limit=INT8_SPEED,
        peer_is="the same changes in fp16, by the same loop",
    )


def int8_size() -> Measured:
    """The file, and the values that were to be stored."""
    ticket = made_up.ticket()
    adapter = made_up.adapter(ticket, dtype="int8")
    with tempfile.TemporaryDirectory(prefix="ltp-bench-") as folder:
        file = Path(folder) / "file"
        adapter.save(file)
        size = file.stat().st_size
    detail = {
        "file": size,
        "moved": sum(map(len, adapter.delta.values.values())),
        "codes_that_are_zero": sum(int((codes == 0).sum()) for codes in adapter.delta.values.values()),
        "scales": sum(scales.nbytes for scales in adapter.delta.scales.values()),
    }
    return Measured([1.0], detail=detail)


def sizes() -> Measured:
    """Files of the same values, each written and weighed."""
    ticket = made_up.ticket()
    adapter = made_up.adapter(ticket)
    positions = {name: positions_in(adapter.delta, ticket, name).numpy() for name in adapter.delta.values}
    values = {name: adapter.delta.decode(name) for name in positions}
    sizes: dict[str, float] = {"moved": sum(int(part.count_nonzero()) for part in values.values())}
    with tempfile.TemporaryDirectory(prefix="ltp-bench-") as folder:
        file = Path(folder) / "file"
        adapter.save(file)
        sizes["ours"] = file.stat().st_size
        ticket.save(file)
        sizes["mask_plain_mb"] = file.stat().st_size / 1e6
        sizes["mask_stored_mb"] = compress(file, Path(folder) / "compressed").stat().st_size / 1e6
        diffs = {name: _steps(positions[name], values[name].numpy(), ticket.shapes[name]) for name in positions}
        torch.save({"diffs": diffs, "abs": {}}, file)
        del diffs
        sizes[SFT] = file.stat().st_size
        save_file(_shira(ticket, positions, values), file)
        sizes[SHIRA] = file.stat().st_size
    sizes[CHECKPOINT] = 4.0 * sum(map(prod, made_up.every_shape().values()))
    sizes["installed"] = _installed_shira()
    return Measured([1.0], detail=sizes)


def _steps(places: NDArray[np.int64], values: NDArray[np.float32], size: tuple[int, ...]) -> dict[str, object]:
    """Indices that count the first dimension fastest, as steps from one to the next, with values in that order."""
    indices = np.ravel_multi_index(np.unravel_index(places, size), size, order="F")
    order = np.argsort(indices)
    steps = np.diff(indices[order], prepend=0)
    assert np.array_equal(np.cumsum(steps), np.sort(indices))
    first_is_numpys = [*steps[:1], *steps[1:].tolist()]
    return {"size": torch.Size(size), "index_steps": first_is_numpys, "values": torch.from_numpy(values[order])}


def as_its_own_code(checkout: str) -> Measured:
    """Fail unless `_steps` makes what a checkout of composable-sft makes of the same changes."""
    sys.path.insert(0, str(Path(checkout) / "src"))
    encode = importlib.import_module("sft.sft").encode_sparse_tensor
    generator = torch.Generator().manual_seed(0)
    for size in ((96, 300), (700,)):
        change = torch.randn(size, generator=generator) * (torch.rand(size, generator=generator) < made_up.RATIO)
        places = change.flatten().nonzero().squeeze(1).numpy()
        theirs, ours = encode(change.to_sparse().coalesce()), _steps(places, change.flatten().numpy()[places], size)
        assert (theirs["size"], theirs["index_steps"]) == (ours["size"], ours["index_steps"])
        assert [type(each) for each in theirs["index_steps"]] == [type(each) for each in ours["index_steps"]]
        assert torch.equal(theirs["values"], ours["values"])
    return Measured([1.0])


def _shira(
    ticket: Ticket, positions: dict[str, NDArray[np.int64]], values: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Its names and dtypes; biases, which it has not, as matrices of one row."""
    tensors = {}
    for name, places in positions.items():
        indices = np.stack(np.divmod(places, ticket.shapes[name][-1])).astype(np.int32)
        tensors |= {f"{name}.shira_indices": torch.from_numpy(indices), f"{name}.shira_weight": values[name]}
    return tensors


def _installed_shira() -> float:
    """Bytes a value of a state dict that the installed PEFT makes."""
    from peft import ShiraConfig, get_peft_model, get_peft_model_state_dict

    model = torch.nn.Sequential(torch.nn.Linear(768, 768))
    state = get_peft_model_state_dict(get_peft_model(model, ShiraConfig(r=64, target_modules=["0"])))
    weights = sum(tensor.numel() for name, tensor in state.items() if name.endswith("shira_weight"))
    return sum(tensor.nbytes for tensor in state.values()) / weights


def _stored(dtype: DeltaDtype = "fp16") -> tuple[dict[str, torch.Tensor], Adapter, Ticket]:
    """Pristine weights but the word embeddings; an adapter and its ticket, written and read again."""
    ticket = made_up.ticket()
    with tempfile.TemporaryDirectory(prefix="ltp-bench-") as folder:
        ticket.save(Path(folder) / "ticket")
        made_up.adapter(ticket, dtype=dtype).save(Path(folder) / "adapter")
        ticket, adapter = Ticket.load(Path(folder) / "ticket"), Adapter.load(Path(folder) / "adapter")
    del adapter.delta.values[WORD_EMBEDDINGS], adapter.delta.rows[WORD_EMBEDDINGS]  # an overlay of rows, on either side
    weights = {name: torch.randn(ticket.shapes[name]) for name in adapter.delta.values}
    return weights, adapter, ticket


def by_blocks() -> Measured:
    """As the engine does it; new copies each time."""
    return _fused("fp16")


def codes_by_blocks() -> Measured:
    """The same from int8."""
    return _fused("int8")


def _fused(dtype: DeltaDtype) -> Measured:
    weights, adapter, ticket = _stored(dtype)
    seconds = timed(lambda: fuse(weights, adapter.delta, ticket), runs=9, warmup=2)
    fused, _ = fuse(weights, adapter.delta, ticket)
    name = max(fused, key=lambda each: fused[each].numel())
    expected = weights[name].clone()
    expected[_mask(ticket, name)] += adapter.delta.decode(name)
    assert torch.equal(fused[name], expected)
    return Measured(seconds, units=sum(each.numel() for each in weights.values()) / 1e6)


def by_boolean_mask() -> Measured:
    """What torch offers for it."""
    weights, adapter, ticket = _stored()
    masks = {name: _mask(ticket, name) for name in weights}
    values = {name: adapter.delta.decode(name) for name in weights}

    def work() -> dict[str, torch.Tensor]:
        fused = {name: weight.clone() for name, weight in weights.items()}
        for name, weight in fused.items():
            weight[masks[name]] += values[name]
        return fused

    return Measured(timed(work, runs=5), units=sum(each.numel() for each in weights.values()) / 1e6)


def _mask(ticket: Ticket, name: str) -> torch.Tensor:
    shape = ticket.shapes[name]
    bits = np.unpackbits(ticket.masks[name], count=prod(shape), bitorder="little")
    return torch.from_numpy(bits.view(np.bool_)).view(shape)
