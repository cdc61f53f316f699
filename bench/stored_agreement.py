"""Whether int8 values answer as fp16 ones do, on adapters that are trained here, and what other scales would lose.

    python -m bench.stored_agreement --data FOLDER [--epochs 3] [--trained 96] [--judged 300] [--only quy]

FOLDER holds `americasnli/dev/quy.tsv` and `xnli/dev-sw.tsv`. Training begins from the starter of `mini`, and once from
its pretrained values, on the starter's ticket. Not part of `make bench`, which compares speed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray

from bench.text_forms import examples_of, mini
from ltp.adapter.agreement import compared
from ltp.adapter.artefact import Adapter, read_export
from ltp.adapter.start import start_from
from ltp.adapter.train import train_adapter
from ltp.backbone.load import Backbone
from ltp.config import LABELS, AdapterConfig
from ltp.delta.codes import BLOCK, LARGEST_CODE
from ltp.delta.delta import Delta, encode
from ltp.delta.fuse import positions_in
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest
from ltp.starter.package import unpack
from ltp.starter.shipped import find
from ltp.text.examples import Example, split
from ltp.ticket.mask import Ticket

CHOSEN_BY = 24
"""Pairs by which an epoch is chosen; answers are compared on others."""
program = typer.Typer(add_completion=False, help=__doc__)


@program.command()
def main(
    data: Annotated[Path, typer.Option(help="The folder with the data sets.")],
    epochs: int = 3,
    trained: int = 96,
    judged: int = 300,
    only: str = "",
) -> None:
    """Train, and print how the forms answer, what they take, and what scales of another kind would lose."""
    loaded = mini()
    starter, ticket = _starter(loaded)
    quy, sw = examples_of(data / "americasnli" / "dev" / "quy.tsv"), _xnli(data / "xnli" / "dev-sw.tsv")
    for lang, rows, begins in (("quy", quy, True), ("sw", sw, True), ("sw", sw, False)):
        if only not in ("", lang):
            continue
        held = split(rows, dev_share=0.5, seed=0)
        dev, chosen_by = held.dev[:judged], held.dev[judged : judged + CHOSEN_BY]
        config = AdapterConfig(
            epochs=epochs, max_length=128, order="by_length", attention_dropout=False, delta_dtype="fp32"
        )
        start = start_from(starter, ticket, ticket, loaded) if begins else None
        done = train_adapter(
            loaded, ticket, method="ltp", train=held.train[:trained], dev=chosen_by, config=config, start=start
        ).adapter
        print(f"{lang}, from {'the starter' if begins else 'the pretrained values'}, {len(dev)} pairs")
        changes = {name: done.delta.decode(name) for name in done.delta.values}
        forms: dict[str, Adapter] = {}
        for dtype in ("fp16", "int8"):
            delta = encode(changes, ticket, dtype=dtype, rows=done.delta.rows)  # type: ignore[arg-type]
            forms[dtype] = replace(done, delta=delta)
            print(f"  {dtype}: {_bytes(forms[dtype]):.4f} bytes a value of {sum(map(len, changes.values())):,}")
        answers = {form: _answers(loaded, adapter, ticket, dev) for form, adapter in forms.items()}
        print(f"  int8 beside fp16: {compared(answers['fp16'], answers['int8'])}", flush=True)
        print(f"  error of scales {_errors(done.delta, ticket)}", flush=True)


def _bytes(adapter: Adapter) -> float:
    with tempfile.TemporaryDirectory() as folder:
        adapter.save(Path(folder, "adapter"))
        return Path(folder, "adapter").stat().st_size / sum(map(len, adapter.delta.values.values()))


def _answers(loaded: Backbone, adapter: Adapter, ticket: Ticket, pairs: Sequence[Example]) -> NDArray[np.float64]:
    engine = Engine(loaded, source={"": (adapter, ticket)}.__getitem__)
    asked = [PairRequest("", pair.premise, pair.hypothesis) for pair in pairs]
    return np.array([answer.probabilities for answer in engine.predict(asked)])


def _errors(delta: Delta, ticket: Ticket) -> dict[str, str]:
    """What codes are off by beside what they stand for, root mean squares, and the bytes of a value, by scale."""
    off: dict[str, list[float]] = {}
    for name in delta.values:
        values = delta.decode(name)
        shape = ticket.shapes[name]
        rows = positions_in(delta, ticket, name) // (shape[-1] if len(shape) > 1 else values.numel() or 1)
        places = torch.arange(len(values))
        kinds = {"a tensor": places * 0, "a row": torch.unique(rows, return_inverse=True)[1]}
        kinds |= {f"{size} values": places // size for size in (32, BLOCK, 128)}
        for kind, owners in kinds.items() if len(values) else ():
            count = int(owners.max()) + 1
            largest = torch.zeros(count).scatter_reduce(0, owners, values.abs(), "amax")
            scales = (largest / LARGEST_CODE)[owners].clamp(min=1e-30)
            error = (values / scales).round() * scales - values
            sums = off.setdefault(kind, [0.0, 0.0, 0.0, 0.0])
            for place, more in enumerate(
                (float(error.square().sum()), float(values.square().sum()), len(values), count)
            ):
                sums[place] += more
    return {
        kind: f"{(error / whole) ** 0.5:.2%} with {1 + 2 * scales / values:.3f} bytes"
        for kind, (error, whole, values, scales) in off.items()
    }


def _starter(loaded: Backbone) -> tuple[Adapter, Ticket]:
    file = find(loaded.info.fingerprint)
    if file is None:
        raise SystemExit("this package has no starter for mini")
    with tempfile.TemporaryDirectory() as folder:
        export = read_export(unpack(file, Path(folder), backbone=loaded.info), loaded.info)
    if export.ticket is None:
        raise SystemExit("the starter has no ticket")
    return export.adapter, export.ticket


def _xnli(path: Path) -> list[Example]:
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    return [Example(one, other, next(each for each in LABELS if each == label)) for one, other, label in rows]


if __name__ == "__main__":
    program()
