"""Several sources in one training: their shares, what a pass has of each, and scores by language."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from support.synthetic import pairs, random_ticket

from ltp.adapter.crossfit.answers import part_of
from ltp.adapter.crossfit.folds import Fold
from ltp.adapter.crossfit.lockstep import fold_plan
from ltp.adapter.crossfit.train import cross_fit_adapter
from ltp.adapter.mixture import Mixture, mixture_of
from ltp.adapter.order import epoch_batches
from ltp.adapter.plan import make_plan
from ltp.adapter.train import TrainedAdapter, train_adapter
from ltp.backbone.load import Backbone
from ltp.config import AdapterConfig
from ltp.errors import InvalidConfig, TrainingCancelled
from ltp.progress import Progress
from ltp.text.examples import Example
from ltp.training.checkpoint import Checkpoints

CONFIG = AdapterConfig(epochs=2, batch_size=8, learning_rate=3e-3, max_length=64)


def of(lang: str | None, examples: list[Example]) -> list[Example]:
    return [replace(example, lang=lang) for example in examples]


def mixed(sizes: dict[str, int], weights: dict[str, float] | None = None, **config: object) -> Mixture:
    langs = [lang for lang, size in sizes.items() for _ in range(size)]
    return mixture_of(langs, weights or {}, replace(CONFIG, **config))


@pytest.mark.parametrize(
    ("temperature", "weights", "expected"),
    [
        (1.0, {}, {"a": 1024, "b": 32}),  # as large as they are
        (5.0, {}, {"a": 704, "b": 352}),  # 1024^(1/5) = 4 and 32^(1/5) = 2
        (5.0, {"b": 2.0}, {"a": 528, "b": 528}),
        (100.0, {}, {"a": 537, "b": 519}),
    ],
)
def test_shares_follow_size_temperature_and_weight(
    temperature: float, weights: dict[str, float], expected: dict[str, int]
) -> None:
    found = mixed({"a": 1024, "b": 32}, weights, source_temperature=temperature)
    assert found.quotas == expected
    assert sum(found.quotas.values()) == found.pairs == 1056


def test_a_pass_is_as_long_as_is_asked_for_and_has_something_of_every_source() -> None:
    found = mixed({"a": 1000, "b": 1, "c": 2}, epoch_pairs=10, source_temperature=1.0)
    assert found.quotas == {"a": 8, "b": 1, "c": 1}
    assert len(found.drawn(0, seed=0, purpose=3)) == 10


def test_the_examples_of_a_source_come_round_evenly() -> None:
    found = mixed({"a": 30, "b": 7}, epoch_pairs=16, source_temperature=1.0)
    assert found.quotas == {"a": 13, "b": 3}
    passes = [found.drawn(epoch, seed=5, purpose=3) for epoch in range(30)]
    assert all(len(each) == 16 for each in passes)
    counts = Counter(index for each in passes for index in each)
    assert {counts[index] for index in range(30)} == {13}  # 30 passes of 13 are 13 rounds of 30
    assert {counts[index] for index in range(30, 37)} <= {12, 13}
    assert passes == [found.drawn(epoch, seed=5, purpose=3) for epoch in range(30)]
    assert passes != [found.drawn(epoch, seed=6, purpose=3) for epoch in range(30)]


def test_batches_have_what_was_drawn() -> None:
    drawn = [3, 1, 1, 4, 0]
    batches = epoch_batches([5] * 6, 2, order="shuffled", seed=1, purpose=1, epoch=0, drawn=drawn)
    assert [len(batch) for batch in batches] == [2, 2, 1]
    assert sorted(index for batch in batches for index in batch) == sorted(drawn)


def test_what_cannot_be_mixed_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="source_weights is 'c'; it must be a language of the examples: a, b"):
        mixed({"a": 3, "b": 3}, {"c": 1.0})
    with pytest.raises(InvalidConfig, match="greater than 0"):
        mixed({"a": 3, "b": 3}, {"a": 0.0})
    with pytest.raises(InvalidConfig, match="at least 2, one for each source"):
        mixed({"a": 3, "b": 3}, epoch_pairs=1)


def train(backbone: Backbone, **other: object) -> TrainedAdapter:
    given = {
        "train": of(None, pairs(9, seed=1)) + of("sw", pairs(30, seed=2)) + of("en", pairs(60, seed=3)),
        "dev": of("sw", pairs(12, seed=4)) + of("en", pairs(9, seed=5)),
        "config": replace(CONFIG, epoch_pairs=24),
        "source_weights": {"": 3.0},
        **other,
    }
    return train_adapter(backbone, random_ticket(backbone, 0.2), method="ltp", **given)


def test_several_sources_train_one_adapter_scored_by_language(tiny_backbone: Backbone) -> None:
    trained = train(tiny_backbone)
    assert trained.report["steps"] == 2 * 3
    assert [(each["lang"], each["pairs"], each["weight"]) for each in trained.report["sources"]] == [
        (None, 9, 3.0),
        ("en", 60, 1.0),
        ("sw", 30, 1.0),
    ]
    assert sum(each["pairs_a_pass"] for each in trained.report["sources"]) == 24
    dev = trained.metrics["dev"]
    assert {lang: figures["pairs"] for lang, figures in dev["by_language"].items()} == {"en": 9, "sw": 12}
    right = sum(figures["accuracy"] * figures["pairs"] for figures in dev["by_language"].values())
    assert right == pytest.approx(dev["accuracy"] * 21)
    loss = sum(figures["loss"] * figures["pairs"] for figures in dev["by_language"].values())
    assert loss == pytest.approx(dev["loss"] * 21)


def test_one_language_is_scored_as_before(tiny_backbone: Backbone) -> None:
    assert "by_language" not in train(tiny_backbone, dev=of("sw", pairs(9, seed=4))).metrics["dev"]


def test_a_mixture_goes_on_to_the_same_bits(tiny_backbone: Backbone, tmp_path: Path) -> None:
    def kill(progress: Progress) -> None:
        if progress.step == 4:
            raise TrainingCancelled("killed")

    with pytest.raises(TrainingCancelled):
        train(tiny_backbone, progress=kill, checkpoints=Checkpoints(tmp_path, budget=1e9))
    steps: list[int] = []
    again = {"checkpoints": Checkpoints(tmp_path, budget=1e9)}
    resumed = train(tiny_backbone, progress=lambda progress: steps.append(progress.step), **again)
    assert steps[0] == 5
    assert resumed.metrics == train(tiny_backbone).metrics
    other = train(tiny_backbone, source_weights={"": 1.0}, checkpoints=Checkpoints(tmp_path, budget=1e9))
    assert other.metrics != resumed.metrics


def test_folds_train_jointly_with_sources_that_judge_nothing(tiny_backbone: Backbone) -> None:
    own, sources = of(None, pairs(12, seed=1)), of("en", pairs(40, seed=3))
    given = {"method": "ltp", "config": replace(CONFIG, epoch_pairs=24, folds=3), "train": own}
    ticket = random_ticket(tiny_backbone, 0.2)
    joint = cross_fit_adapter(tiny_backbone, ticket, sources=sources, source_weights={"en": 2.0}, **given)
    alone = cross_fit_adapter(tiny_backbone, ticket, **given)
    assert joint.metrics["dev"]["pairs"] == alone.metrics["dev"]["pairs"] <= 12
    assert joint.report["sources"][1] == {"lang": "en", "pairs": 40, "weight": 2.0, "pairs_a_pass": 17}
    assert "sources" not in alone.report
    assert joint.metrics["dev"]["loss"] != alone.metrics["dev"]["loss"]
    first, other = (each.report["courses"][0]["epochs"][0]["train_loss"] for each in (joint, alone))
    assert first == pytest.approx(other, rel=0.3), "a mean over the pairs of a pass"

    plan = make_plan(
        tiny_backbone, ticket, dev=None, test=(), seeds=1, source_weights={}, **{**given, "train": [*own, *sources]}
    )
    plan = replace(plan, train=part_of(plan.train, range(12)), sources=part_of(plan.train, range(12, 52)))
    fold = fold_plan(plan, Fold([0, 2, 4, 6], [1, 3]))
    assert (len(fold.train), len(fold.dev), fold.pairs_per_epoch) == (44, 2, 24)
    assert fold.mixture is not None
    assert fold.mixture.members == {"": [0, 1, 2, 3], "en": list(range(4, 44))}
    assert fold.train.encoded[1] == plan.train.encoded[2]
    assert fold.train.encoded[4] == plan.sources.encoded[0]
