"""Line 14: the share of a training step that its matrix products would take by themselves.

The products are those that the step cannot do without (`bench.products`), alone in one process; the step is the
product's own, in another. Both go through the same batches, turn by turn.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.figure import Figure
from bench.lines import Options
from bench.turns import take_turns

if TYPE_CHECKING:
    from bench.products import Load, Model
    from ltp.backbone.load import Backbone
    from ltp.config import Precision

NUMBER, TITLE = 14, "Training steps: what their matrix products alone would take"
GOALS: dict[Precision, float] = {"fp32": 0.75, "bf16": 0.65}
TURNS = {"base": 3, "mini": 5}
EXAMPLES, BATCH = 96, 32
HOW = (
    "shapes from the architecture: forward, gradient of what is read, gradient of weights that train, vocabulary "
    "included; torch.mm and bmm into buffers made beforehand; median of the turns' ratios"
)


def figures(options: Options) -> Iterator[Figure]:
    """A row for each stage, backbone and precision that the processor has instructions for."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    precisions: list[Precision] = ["fp32", "bf16"] if "amx_bf16" in flags or "avx512_bf16" in flags else ["fp32"]
    for precision in precisions:
        for stage in ("drift", "adapter"):
            for name, turns in TURNS.items():
                given: dict[str, Any] = {"stage": stage, "name": name, "precision": precision, "data": options.data}
                taken = take_turns(f"{__name__}:products", f"{__name__}:steps", turns=turns, **given)
                yield Figure.absolute(
                    NUMBER,
                    f"products alone / {stage} step, {name}, {precision}",
                    "of the step",
                    median(alone / step for alone, step in taken),
                    goal="at least",
                    limit=GOALS[precision],
                    products_s=[alone for alone, _ in taken],
                    steps_s=[step for _, step in taken],
                    how=HOW,
                )


def steps(stage: str, name: str, precision: Precision, data: str | None) -> Iterator[float]:
    """Seconds of one training step after the other."""
    turn = {"drift": _drift_steps, "adapter": _adapter_steps}[stage]
    yield from turn(name, precision, data)


def products(stage: str, name: str, precision: Precision, data: str | None) -> Iterator[float]:
    """Seconds of the products of those steps."""
    from bench.products import Products
    from ltp.model.arithmetic import DTYPES

    model, batches = {"drift": _drift_loads, "adapter": _adapter_loads}[stage](name, precision, data)
    multiplied = Products(model, DTYPES[precision])
    yield 0.0
    for loads in batches:
        yield multiplied.seconds(loads)


def _drift_steps(name: str, precision: Precision, data: str | None) -> Iterator[float]:
    from contextlib import suppress
    from queue import Queue
    from threading import Thread

    from bench.lines.drift_step import Work
    from ltp.drift.train import train_drift
    from ltp.errors import TrainingCancelled
    from ltp.progress import Progress

    work = Work(name, data, spanning=True, precision=precision)
    told, asked = Queue[float](), Queue[None]()
    began = 0.0

    def watch(progress: Progress) -> None:
        nonlocal began
        ended = time.perf_counter()
        validated = progress.phase == "validating" and progress.step == progress.total
        if not began and not validated:
            return
        told.put(ended - began if began else 0.0)
        asked.get()
        began = time.perf_counter()

    def train() -> None:
        with suppress(TrainingCancelled):
            train_drift(work.backbone, work.sentences, strategy="decoupled", config=work.config, progress=watch)

    Thread(target=train, daemon=True).start()
    while True:
        yield told.get()
        asked.put(None)


def _drift_loads(name: str, precision: Precision, data: str | None) -> tuple[Model, Iterator[list[Load]]]:
    from bench.lines.drift_step import Work
    from bench.products import Load
    from ltp.drift.batches import build, parts
    from ltp.drift.masking import Purpose
    from ltp.drift.plan import make_plan

    work = Work(name, data, spanning=True, precision=precision)
    plan = make_plan(work.backbone, work.all_tokens, work.config)
    inputs, predicted = plan.masking.draw(work.train, Purpose.MASKING, 0)

    def batches() -> Iterator[list[Load]]:
        for lines in work.order:
            packed = [
                build(work.train, inputs, predicted, part, table=plan.tables(compact=False)[0], pad=1, device="cpu")
                for part in parts(lines, work.train.lengths)
            ]
            yield [Load(len(b.ids), len(b.targets), b.size, b.longest, b.queries) for b in packed]

    return model_of(work.backbone, scored=work.backbone.info.vocabulary), batches()


def _adapter_steps(name: str, precision: Precision, data: str | None) -> Iterator[float]:
    from bench.lines.adapter_step import our_run, plan_for

    running = our_run(plan_for(name, data, precision=precision, batch=BATCH, examples=EXAMPLES))
    yield 0.0
    while True:
        began = time.perf_counter()
        running.step()
        yield time.perf_counter() - began


def _adapter_loads(name: str, precision: Precision, data: str | None) -> tuple[Model, Iterator[list[Load]]]:
    from itertools import count

    from bench.lines.adapter_step import SEED, plan_for
    from bench.products import Load
    from ltp.adapter.micro_batches import micro_batches
    from ltp.adapter.order import epoch_batches
    from ltp.adapter.seed_run import ORDER

    plan = plan_for(name, data, precision=precision, batch=BATCH, examples=EXAMPLES)
    lengths = [len(example.ids) for example in plan.train.encoded]

    def batches() -> Iterator[list[Load]]:
        for epoch in count():
            ordered = epoch_batches(
                lengths, BATCH, order=plan.config.order, seed=SEED, purpose=ORDER, epoch=epoch, drawn=None
            )
            for chosen in ordered:
                packed = [[lengths[index] for index in part] for part in micro_batches(chosen, lengths, plan.part_size)]
                yield [Load(sum(each), len(each), len(each), max(each), 1) for each in packed]

    return model_of(plan.backbone, scored=len(plan.verbalizer.labels), head_trains=False), batches()


def model_of(backbone: Backbone, *, scored: int, head_trains: bool = True, decoder_trains: bool = False) -> Model:
    """Sizes of a backbone, by its own shapes."""
    from bench.products import Model

    inner, hidden = backbone.shapes["roberta.encoder.layer.0.intermediate.dense.weight"]
    heads = backbone.architecture.heads
    return Model(backbone.info.layers, hidden, inner, heads, scored, decoder_trains, head_trains)
