"""The MLM run: equal to the plain dense computation, repeatable to the bit, resumable, and within its strategy."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch
from support.dense_mlm import train_dense
from support.tiny_backbone import WORDS, write_tiny

from ltp.backbone.architecture import DECODER, POSITION_EMBEDDINGS, WORD_EMBEDDINGS
from ltp.backbone.load import Backbone, load_backbone
from ltp.backbone.strategy import Strategy
from ltp.config import MLMConfig
from ltp.drift.stored import Drift
from ltp.drift.train import train_drift
from ltp.errors import CorpusError, InvalidConfig, TrainingCancelled, TrainingDiverged, UnknownText
from ltp.progress import Progress
from ltp.training.checkpoint import Checkpoints

pytestmark = pytest.mark.slow
STRATEGIES = get_args(Strategy)
CONFIG = MLMConfig(epochs=2, batch_size=16, learning_rate=1e-3, eval_every=3, max_length=20, long_lines="cut", seed=1)


def _lines(count: int = 100, *, seed: int = 0) -> list[str]:
    rng, words = random.Random(seed), WORDS.split()[:80]
    return [" ".join(rng.choices(words, k=rng.randint(3, 24))) for _ in range(count)]


LINES = _lines()


@pytest.fixture(scope="module")
def calm_backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    """Without dropout, so that two implementations can be compared."""
    return load_backbone(write_tiny(tmp_path_factory.mktemp("calm"), dropout=0.0))


def _same_bits(first: Drift, second: Drift) -> bool:
    same = [torch.equal(first.values[name], second.values[name]) for name in first.shapes]
    same += [torch.equal(first.rows[name], second.rows[name]) for name in first.rows]
    return all(same) and (first.scale_exponent, list(first.values)) == (second.scale_exponent, list(second.values))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("l1", [0.1, 2000.0])
def test_it_equals_the_plain_dense_computation(calm_backbone: Backbone, strategy: Strategy, l1: float) -> None:
    config = replace(CONFIG, l1=l1)
    drift = train_drift(calm_backbone, LINES, strategy=strategy, config=config)
    dense = train_dense(calm_backbone, LINES, strategy=strategy, config=config)
    assert [loss["step"] for loss in drift.report["losses"]] == [0, 3, 6, 9, 12]
    for mine, plain in zip(drift.report["losses"], dense.losses, strict=True):
        assert mine["step"] == plain["step"]
        assert mine["validation"] == pytest.approx(plain["validation"], abs=5e-6)
        assert mine["train"] == pytest.approx(plain["train"], abs=5e-6 * max(1.0, l1 / 10))
    assert drift.report["best_step"] == dense.best_step
    for name in drift.shapes:
        moved = (dense.best[name] - dense.origin[name]).abs()
        if name.endswith("self.key.bias"):
            assert moved.max() < CONFIG.learning_rate  # its gradient is zero but for rounding: softmax ignores a shift
        else:
            torch.testing.assert_close(
                drift.dense(name), moved, rtol=1e-3, atol=5e-6 if l1 < 1 else 2e-5
            )  # a strong pull flips signs
    frozen = set(dense.origin) - set(drift.shapes)
    assert {name for name in frozen if not name.startswith("lm_head")} == {
        name for name, before in dense.origin.items() if torch.equal(dense.best[name], before) and name != DECODER
    } - {"lm_head.layer_norm.weight", "lm_head.layer_norm.bias"}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_same_seed_gives_the_same_bits(tiny_backbone: Backbone, strategy: Strategy) -> None:
    before = {name: tensor.clone() for name, tensor in tiny_backbone.parameters.items()}
    first, second = (train_drift(tiny_backbone, LINES, strategy=strategy, config=CONFIG) for _ in range(2))
    assert _same_bits(first, second)
    assert first.report["losses"] == second.report["losses"]
    other = train_drift(tiny_backbone, LINES, strategy=strategy, config=replace(CONFIG, seed=2))
    assert not _same_bits(first, other)
    assert all(torch.equal(tiny_backbone.parameters[name], tensor) for name, tensor in before.items())
    assert not tiny_backbone.model.training


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("stop", [1, 4, 7, 11])
@pytest.mark.slow
def test_an_interrupted_run_ends_with_the_bits_of_an_uninterrupted_one(
    tiny_backbone: Backbone, tmp_path: Path, strategy: Strategy, stop: int
) -> None:
    whole = train_drift(tiny_backbone, LINES, strategy=strategy, config=CONFIG)
    seen: list[int] = []

    def interrupt(progress: Progress) -> None:
        if progress.phase == "training":
            seen.append(progress.step)
            if progress.step == stop + 1 and seen.count(stop + 1) == 1:
                raise TrainingCancelled

    def attempt() -> Drift:
        checkpoints = Checkpoints(tmp_path, budget=1e9)
        return train_drift(
            tiny_backbone, LINES, strategy=strategy, config=CONFIG, progress=interrupt, checkpoints=checkpoints
        )

    with pytest.raises(TrainingCancelled):
        attempt()
    resumed = attempt()
    assert seen == [*range(1, stop + 2), *range(stop + 1, 13)]  # the second attempt went on, it did not start again
    assert _same_bits(whole, resumed)
    assert resumed.report["losses"] == whole.report["losses"]


def test_a_checkpoint_of_another_run_is_ignored(tiny_backbone: Backbone, tmp_path: Path) -> None:
    one = replace(CONFIG, epochs=1)
    train_drift(
        tiny_backbone, LINES, strategy="decoupled", config=CONFIG, checkpoints=Checkpoints(tmp_path, budget=1e9)
    )
    for lines, config in ((LINES, one), (LINES[1:], CONFIG)):
        fresh = train_drift(tiny_backbone, lines, strategy="decoupled", config=config)
        beside = train_drift(
            tiny_backbone, lines, strategy="decoupled", config=config, checkpoints=Checkpoints(tmp_path, budget=0)
        )
        assert _same_bits(fresh, beside)


def test_strategies_decide_what_can_be_selected(tiny_backbone: Backbone) -> None:
    one = replace(CONFIG, epochs=1)
    drifts = {name: train_drift(tiny_backbone, LINES, strategy=name, config=one) for name in STRATEGIES}
    everything = {name for name in tiny_backbone.shapes if not name.startswith("lm_head.")}
    norms = {name for name in everything if "LayerNorm" in name}
    embeddings = {name for name in everything if "embeddings" in name}
    assert set(drifts["tied"].shapes) == everything
    assert set(drifts["decoupled"].shapes) == everything - norms
    assert set(drifts["frozen_embeddings"].shapes) == everything - norms - embeddings
    vocabulary = tiny_backbone.info.vocabulary
    assert len(drifts["tied"].rows[WORD_EMBEDDINGS]) == vocabulary  # the softmax reaches every row
    assert 80 < len(drifts["decoupled"].rows[WORD_EMBEDDINGS]) < vocabulary
    assert drifts["decoupled"].rows[POSITION_EMBEDDINGS].tolist() == list(range(2, 22))
    for drift in drifts.values():
        assert drift.moved == sum(int((drift.dense(name) > 0).sum()) for name in drift.shapes)
        assert drift.report["moved"] == drift.moved <= drift.selectable == drift.report["selectable"]


def test_random_tokens_from_the_corpus_move_no_other_row(tiny_backbone: Backbone) -> None:
    drift = train_drift(tiny_backbone, LINES, strategy="decoupled", config=replace(CONFIG, random_tokens="corpus"))
    used = {number for line in LINES for number in tiny_backbone.tokenizer.encode(line).ids}
    assert set(drift.rows[WORD_EMBEDDINGS].tolist()) <= used | {tiny_backbone.special.mask}


def test_a_strong_pull_keeps_parameters_where_they_were(tiny_backbone: Backbone) -> None:
    loose, tight = (
        train_drift(tiny_backbone, LINES, strategy="decoupled", config=replace(CONFIG, l1=l1)) for l1 in (0.0, 1e5)
    )
    name = "roberta.encoder.layer.0.output.dense.weight"
    assert tight.dense(name).mean() < 0.5 * loose.dense(name).mean()
    assert tight.report["losses"][-1]["train"] > loose.report["losses"][-1]["train"]


def test_the_best_validation_is_kept_and_step_zero_never_wins(tmp_path: Path) -> None:
    knowing = load_backbone(write_tiny(tmp_path / "knowing"))  # which words there are: training can only do worse
    used = {number for line in LINES for number in knowing.tokenizer.encode(line).ids[1:-1]}
    knowing.parameters["lm_head.bias"].fill_(-20)[list(used)] = 0
    config = replace(CONFIG, learning_rate=0.5, epochs=1, eval_every=1)
    drift = train_drift(knowing, LINES, strategy="decoupled", config=config)
    losses = drift.report["losses"]
    best = min((loss for loss in losses if loss["step"] > 0), key=lambda loss: loss["validation"])
    assert losses[0]["validation"] < best["validation"]
    assert (drift.report["best_step"], drift.report["best_loss"]) == (best["step"], best["validation"])
    assert drift.moved > 0


def test_it_learns(tiny_backbone: Backbone) -> None:
    lines = ["the dog is in the house", "a cat was on the table", "she reads the book"] * 40
    config = replace(CONFIG, epochs=6, learning_rate=3e-3)
    losses = train_drift(tiny_backbone, lines, strategy="tied", config=config).report["losses"]
    assert losses[-1]["validation"] < losses[0]["validation"] - 1.5


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_bf16_is_near_fp32_and_repeatable(tiny_backbone: Backbone, strategy: Strategy) -> None:
    exact = train_drift(tiny_backbone, LINES, strategy=strategy, config=CONFIG)
    config = replace(CONFIG, precision="bf16")
    first, second = (train_drift(tiny_backbone, LINES, strategy=strategy, config=config) for _ in range(2))
    assert _same_bits(first, second)
    for mine, reference in zip(first.report["losses"], exact.report["losses"], strict=True):
        assert mine["validation"] == pytest.approx(reference["validation"], abs=0.02)
        assert mine["validation"] != reference["validation"]


def test_computing_a_batch_in_parts_changes_nothing(calm_backbone: Backbone) -> None:
    whole = train_drift(calm_backbone, LINES, strategy="decoupled", config=CONFIG)
    parted = train_drift(calm_backbone, LINES, strategy="decoupled", config=CONFIG, part_tokens=50)
    for mine, reference in zip(parted.report["losses"], whole.report["losses"], strict=True):
        assert mine == pytest.approx(reference, abs=5e-6)
    for name in whole.shapes:
        if not name.endswith("key.bias"):
            torch.testing.assert_close(parted.dense(name), whole.dense(name), rtol=1e-3, atol=2e-6)


def test_the_checkpoints_own_dropout_is_on_in_training_only(tiny_backbone: Backbone, calm_backbone: Backbone) -> None:
    noisy, calm = (
        train_drift(backbone, LINES, strategy="decoupled", config=CONFIG).report["losses"]
        for backbone in (tiny_backbone, calm_backbone)  # the same weights
    )
    assert noisy[0]["validation"] == calm[0]["validation"]
    assert noisy[1]["train"] != pytest.approx(calm[1]["train"], abs=1e-3)


def test_progress_comes_with_every_step(tiny_backbone: Backbone) -> None:
    seen: list[Progress] = []
    drift = train_drift(tiny_backbone, LINES, strategy="decoupled", config=CONFIG, progress=seen.append)
    training = [progress for progress in seen if progress.phase == "training"]
    assert [(progress.step, progress.total) for progress in training] == [(step, 12) for step in range(1, 13)]
    assert all(progress.metrics["loss"] > 0 and progress.metrics["tokens_per_second"] > 0 for progress in training)
    assert [progress.phase for progress in seen][:2] == ["tokenizing", "validating"]
    assert drift.report["steps"] == 12
    assert drift.report["lines"] == {"train": 90, "validation": 10}
    assert drift.report["tokens"] > 12 * 16 * 5


def test_cancelling_stops_at_once(tiny_backbone: Backbone) -> None:
    def cancel(progress: Progress) -> None:
        raise TrainingCancelled

    with pytest.raises(TrainingCancelled):
        train_drift(tiny_backbone, LINES, strategy="decoupled", config=CONFIG, progress=cancel)


def test_a_loss_that_is_not_finite_is_an_error(calm_backbone: Backbone, tmp_path: Path) -> None:
    directory = write_tiny(tmp_path / "wild", dropout=0.0)
    wild = load_backbone(directory)
    with torch.no_grad():
        wild.parameters["lm_head.bias"][7:] = torch.finfo(torch.float32).max
        wild.parameters["lm_head.bias"][7] = -torch.finfo(torch.float32).max
    with pytest.raises(TrainingDiverged, match=r"nan|inf"):
        train_drift(wild, LINES, strategy="decoupled", config=CONFIG)


def test_a_training_loss_that_is_not_finite_names_the_step(tmp_path: Path) -> None:
    backbone = load_backbone(write_tiny(tmp_path / "spoilt"))

    def spoil(progress: Progress) -> None:
        """After the first validation, which is finite, put a NaN into a weight that is used and does not train."""
        if progress.phase == "validating" and progress.step == progress.total:
            backbone.parameters["lm_head.layer_norm.weight"][0] = float("nan")

    with pytest.raises(TrainingDiverged, match="step 1 is nan; lower the learning rate"):
        train_drift(backbone, LINES, strategy="decoupled", config=CONFIG, progress=spoil)


def test_tied_needs_a_backbone_that_is(tmp_path: Path) -> None:
    backbone = load_backbone(write_tiny(tmp_path / "one"))
    untied = replace(backbone, info=replace(backbone.info, shapes=backbone.shapes | {DECODER: (331, 32)}))
    with pytest.raises(InvalidConfig, match="output embeddings of its own"):
        train_drift(untied, LINES, strategy="tied", config=CONFIG)


@pytest.mark.parametrize("lines", [[], ["one line"], ["", " "], ["<s> </s>", "<pad>"], ["one line", "<unk>"]])
def test_too_little_text_is_refused(tiny_backbone: Backbone, lines: list[str]) -> None:
    with pytest.raises(CorpusError, match="lines can be used"):
        train_drift(tiny_backbone, lines, strategy="decoupled", config=CONFIG)


def test_two_short_lines_are_enough(tiny_backbone: Backbone) -> None:
    drift = train_drift(tiny_backbone, ["a dog", "a cat"], strategy="decoupled", config=replace(CONFIG, epochs=20))
    assert drift.report["lines"] == {"train": 1, "validation": 1}
    assert drift.report["best_step"] > 0


def test_a_sample_is_seeded_and_in_order(tiny_backbone: Backbone) -> None:
    config = replace(CONFIG, epochs=1, sample=40)
    first, second = (train_drift(tiny_backbone, LINES, strategy="decoupled", config=config) for _ in range(2))
    assert sum(first.report["lines"].values()) == 40
    assert first.report["corpus_sha256"] == second.report["corpus_sha256"]
    other = train_drift(tiny_backbone, LINES, strategy="decoupled", config=replace(config, seed=5))
    assert other.report["corpus_sha256"] != first.report["corpus_sha256"]


def test_a_corpus_of_unknown_words_is_refused_before_it_is_trained_on(tiny_backbone: Backbone) -> None:
    with pytest.raises(UnknownText, match="ᱢ ᱟ"):
        train_drift(tiny_backbone, ["ᱟᱢ 12.", "ᱟᱢ ᱢ."] * 20, strategy="decoupled", config=CONFIG)


def test_lines_of_unknown_words_alone_count_although_they_are_left_out(tiny_backbone: Backbone) -> None:
    said: list[str] = []
    lines = [*LINES[:30], *["ᱟᱢ"] * 30]
    drift = train_drift(tiny_backbone, lines, strategy="decoupled", config=CONFIG, warn=said.append)
    assert drift.report["unknown"]["tokens"] == 30
    assert said == drift.report["warnings"]
    assert "(ᱟ ᱢ)" in said[-1]
