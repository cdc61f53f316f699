"""A batch is computed in parts of bounded memory, to the same gradient; one that fits is computed as it always was."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.peak_memory import peak_mb
from support.synthetic import pairs, random_ticket
from support.tiny_backbone import write_tiny

from bench.side import run
from ltp.adapter.memory import training_bytes
from ltp.adapter.micro_batches import USUAL, PartSize, micro_batches
from ltp.adapter.plan import make_plan
from ltp.adapter.seed_run import SeedRun
from ltp.adapter.train import model_of, train_adapter
from ltp.backbone.load import Backbone, load_backbone
from ltp.config import LABELS, AdapterConfig
from ltp.errors import TrainingCancelled
from ltp.model.methods import METHODS, Method
from ltp.progress import Progress
from ltp.text.examples import Example
from ltp.training.checkpoint import Checkpoints

WHOLE, SMALL = USUAL, PartSize(whole=0, tokens=96)
"""As it is, and parts in which some four of the pairs have room."""
FEW_MB = 250
"""Whole, the batch below takes a gigabyte."""


@pytest.fixture(scope="module")
def undropped(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return load_backbone(write_tiny(tmp_path_factory.mktemp("undropped"), dropout=0.0))


def start(
    backbone: Backbone, method: Method, examples: list[Example], *, part_size: PartSize, **config: int
) -> SeedRun:
    ticket = random_ticket(backbone, 0.2) if METHODS[method].needs_ticket else None
    values = {"batch_size": len(examples), "max_length": 64, **config}
    plan = make_plan(
        backbone,
        ticket,
        method=method,
        train=examples,
        dev=examples[:3],
        test=(),
        config=AdapterConfig(**values),
        seeds=1,
        part_size=part_size,
    )
    return SeedRun(plan, model_of(plan), seed=0)


def uneven(count: int) -> list[Example]:
    """Pairs of different lengths, in no order."""
    return [replace(pair, premise=pair.premise * (1 + index % 3)) for index, pair in enumerate(pairs(count, seed=1))]


@pytest.mark.parametrize("method", get_args(Method))
def test_the_gradient_is_the_whole_batchs(undropped: Backbone, method: Method) -> None:
    examples = uneven(21)
    whole, parts = (start(undropped, method, examples, part_size=size) for size in (WHOLE, SMALL))
    lengths = [len(example.ids) for example in whole._plan.train.encoded]
    assert len(list(micro_batches(range(21), lengths, SMALL))) > 4
    assert whole.step() == pytest.approx(parts.step(), abs=1e-6)

    first, second = whole.tensors(), parts.tensors()
    moments = [name for name in first if name.endswith("exp_avg")]
    assert moments
    for name in moments:  # a tenth of the gradient after one step
        assert torch.allclose(first[name], second[name], rtol=0, atol=1e-7), name
    assert max(float(first[name].abs().max()) for name in moments) > 1e-4


@pytest.mark.parametrize("method", ["ltp", "ft"])
def test_the_next_step_begins_with_no_gradient_of_the_last(undropped: Backbone, method: Method) -> None:
    examples = uneven(21)
    whole, parts = (start(undropped, method, examples, part_size=size) for size in (WHOLE, SMALL))
    for _ in range(3):
        assert whole.step() == pytest.approx(parts.step(), abs=1e-5)


@given(
    lengths=st.lists(st.integers(12, 512), min_size=1, max_size=300),
    size=st.builds(PartSize, st.integers(0, 20_000), st.integers(12, 512), st.integers(1, 20_000)),
)
def test_every_example_is_in_one_part_and_no_part_is_too_large(lengths: list[int], size: PartSize) -> None:
    chosen = list(range(len(lengths)))[::-1]
    parts = list(micro_batches(chosen, lengths, size))
    assert sorted(index for part in parts for index in part) == sorted(chosen)
    if size.holds(len(chosen), max(lengths)):
        assert parts == [chosen]
        return
    for part in parts:
        assert len(part) == 1 or len(part) * max(lengths[index] for index in part) <= size.tokens


def test_the_papers_batch_is_one_part_in_its_own_order() -> None:
    lengths = [256 - index for index in range(33)]
    order = torch.randperm(32).tolist()
    assert list(micro_batches(order, lengths, PartSize())) == [order]
    assert len(list(micro_batches(range(33), lengths, PartSize()))) > 1
    assert PartSize().largest(4096, 512) == [(4, 512), (32, 256)]


def test_memory_does_not_follow_the_batch(tiny_backbone: Backbone, record_property: Callable[..., None]) -> None:
    text = "dog " * 600
    examples = [Example(text, text, LABELS[index % 3]) for index in range(64)]
    running = start(tiny_backbone, "pt", examples, part_size=WHOLE, max_length=512)
    took = peak_mb(running.step)
    record_property("figures", f"64 examples of 512 tokens in one batch: {took:.0f} MB")
    assert took < FEW_MB


def test_a_batch_in_parts_goes_on_to_the_same_bits(tiny_backbone: Backbone, tmp_path: Path) -> None:
    ticket, config = random_ticket(tiny_backbone, 0.2), AdapterConfig(epochs=2, batch_size=16, learning_rate=3e-3)
    sides = {"train": uneven(40), "dev": pairs(9, seed=2)}

    def stop(progress: Progress) -> None:
        if progress.step == 4:
            raise TrainingCancelled("killed")

    def train(directory: Path, progress: Callable[[Progress], None] | None = None):
        checkpoints = Checkpoints(directory, budget=1e9)
        given = {"method": "ltp", "config": config, "part_size": SMALL, **sides}
        return train_adapter(tiny_backbone, ticket, checkpoints=checkpoints, progress=progress, **given)

    uninterrupted = train(tmp_path / "one")
    with pytest.raises(TrainingCancelled):
        train(tmp_path / "two", stop)
    resumed = train(tmp_path / "two")
    assert resumed.report["courses"] == uninterrupted.report["courses"]
    assert torch.equal(resumed.adapter.prompt, uninterrupted.adapter.prompt)
    for name, values in uninterrupted.adapter.delta.values.items():
        assert torch.equal(values, resumed.adapter.delta.values[name]), name


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("method", ["pt", "ltp"])
def test_the_estimate_bounds_what_a_training_takes(method: Method, record_property: Callable[..., None]) -> None:
    measured = run("bench.lines.training_memory:training", method=method, batch=8, tokens=256)
    estimated = measured.detail["estimated_mb"]
    record_property("figures", f"{method}: {measured.peak_rss_mb:.0f} MB, estimated {estimated:.0f} MB")
    assert 0.5 * estimated < measured.peak_rss_mb <= estimated


def test_the_estimate_grows_with_the_seeds_and_not_with_the_batch(tiny_backbone: Backbone) -> None:
    def bound(batch: int, seeds: int) -> int:
        config = AdapterConfig(batch_size=batch, max_length=512)
        return training_bytes(tiny_backbone.info, method="ft", config=config, examples=4096, seeds=seeds)

    assert bound(64, 1) == bound(4096, 1)
    assert bound(8, 1) < bound(64, 1) < bound(64, 2)
