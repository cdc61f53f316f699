"""A language's own text at a ticket's positions: equal to the plain computation, repeatable, resumable, and honest."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support.dense_mlm import train_dense
from support.synthetic import empty_ticket, random_ticket
from support.tiny_backbone import WORDS, write_tiny

from ltp.backbone.architecture import DECODER, EMBEDDING_MATRICES, WORD_EMBEDDINGS
from ltp.backbone.load import Backbone, load_backbone
from ltp.backbone.strategy import Strategy
from ltp.config import LanguageConfig, MLMConfig
from ltp.errors import BackboneMismatch, CorpusError, DeltaDoesNotFitTicket, TrainingCancelled
from ltp.language_delta.artefact import LanguageDelta
from ltp.language_delta.train import resolved, train_language_delta
from ltp.progress import Progress
from ltp.ticket.mask import Ticket, active_in_rows
from ltp.training.checkpoint import Checkpoints

pytestmark = pytest.mark.slow
CONFIG = MLMConfig(epochs=2, batch_size=16, learning_rate=3e-3, eval_every=3, max_length=20, long_lines="cut", seed=1)


def _lines(count: int = 60, *, seed: int = 0) -> list[str]:
    rng, words = random.Random(seed), WORDS.split()[:80]
    return [" ".join(rng.choices(words, k=rng.randint(3, 24))) for _ in range(count)]


LINES = _lines()


@pytest.fixture(scope="module")
def calm_backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    """Without dropout, so that two implementations can be compared."""
    return load_backbone(write_tiny(tmp_path_factory.mktemp("calm"), dropout=0.0))


def _whole(language: LanguageDelta, ticket: Ticket, name: str) -> torch.Tensor:
    """The changes of one tensor in its full shape, flat."""
    dense = torch.zeros(ticket.shapes[name])
    if name not in EMBEDDING_MATRICES:
        dense.view(-1)[ticket.positions(name)] = language.delta.decode(name)
        return dense
    rows = language.delta.rows[name]
    some = dense[rows]
    some[torch.from_numpy(active_in_rows(ticket, name, rows))] = language.delta.decode(name)
    dense[rows] = some
    return dense


def _same_bits(first: LanguageDelta, second: LanguageDelta) -> bool:
    pairs = [(first.delta.values, second.delta.values), (first.delta.rows, second.delta.rows)]
    return all(torch.equal(one[name], other[name]) for one, other in pairs for name in one | other)


@pytest.mark.parametrize("strategy", ["decoupled", "tied", "frozen_embeddings"])
@pytest.mark.parametrize("l1", [0.1, 2000.0])
def test_it_equals_the_plain_dense_computation_under_a_mask(
    calm_backbone: Backbone, strategy: Strategy, l1: float
) -> None:
    ticket, config = random_ticket(calm_backbone, 0.2, strategy=strategy), replace(CONFIG, l1=l1)
    language = train_language_delta(calm_backbone, ticket, LINES, config=config, dtype="fp32")
    dense = train_dense(calm_backbone, LINES, strategy=strategy, config=config, ticket=ticket)
    for mine, plain in zip(language.report["losses"], dense.losses, strict=True):
        assert mine["validation"] == pytest.approx(plain["validation"], abs=2e-5)
        assert mine["train"] == pytest.approx(plain["train"], abs=2e-5 * max(1.0, l1 / 10))
    for name in ticket.masks:
        if not name.endswith("self.key.bias"):  # its gradient is zero but for rounding: softmax ignores a shift
            torch.testing.assert_close(
                _whole(language, ticket, name), dense.best[name] - dense.origin[name], rtol=1e-2, atol=1e-4
            )
    language.check(ticket)
    others = [name for name in dense.best if name not in {*ticket.masks, DECODER}]
    assert all(torch.equal(dense.best[name], dense.origin[name]) for name in others)


def test_the_same_seed_gives_the_same_bits_and_the_backbone_stays(tiny_backbone: Backbone) -> None:
    before = {name: tensor.clone() for name, tensor in tiny_backbone.parameters.items()}
    ticket = random_ticket(tiny_backbone, 0.1)
    first, second = (train_language_delta(tiny_backbone, ticket, LINES, config=CONFIG) for _ in range(2))
    assert _same_bits(first, second)
    assert first.report["losses"] == second.report["losses"]
    assert not _same_bits(first, train_language_delta(tiny_backbone, ticket, LINES, config=replace(CONFIG, seed=2)))
    assert all(torch.equal(tiny_backbone.parameters[name], tensor) for name, tensor in before.items())


def test_an_interrupted_run_ends_with_the_bits_of_an_uninterrupted_one(tiny_backbone: Backbone, tmp_path: Path) -> None:
    ticket = random_ticket(tiny_backbone, 0.1)
    whole = train_language_delta(tiny_backbone, ticket, LINES, config=CONFIG)
    seen: list[int] = []

    def interrupt(progress: Progress) -> None:
        if progress.phase == "training":
            seen.append(progress.step)
            if progress.step == 6 and seen.count(6) == 1:
                raise TrainingCancelled

    def attempt() -> LanguageDelta:
        checkpoints = Checkpoints(tmp_path, budget=1e9)
        return train_language_delta(
            tiny_backbone, ticket, LINES, config=CONFIG, progress=interrupt, checkpoints=checkpoints
        )

    with pytest.raises(TrainingCancelled):
        attempt()
    resumed = attempt()
    assert seen == [*range(1, 7), *range(6, 9)]
    assert _same_bits(whole, resumed)
    assert resumed.report["losses"] == whole.report["losses"]


def test_only_rows_that_were_read_are_kept(tiny_backbone: Backbone) -> None:
    ticket = random_ticket(tiny_backbone, 0.5)
    config = replace(CONFIG, random_tokens="corpus")
    language = train_language_delta(tiny_backbone, ticket, LINES, config=config)
    used = {number for line in LINES for number in tiny_backbone.tokenizer.encode(line).ids}
    assert set(language.delta.rows[WORD_EMBEDDINGS].tolist()) <= used | {tiny_backbone.special.mask}


def test_text_that_teaches_something_is_said_to_help(calm_backbone: Backbone) -> None:
    lines = [f"{start} the dog is in the house and the cat was on the table" for start in _lines(60)]
    said: list[str] = []
    config = LanguageConfig(epochs=20, learning_rate=1e-2, batch_size=8, max_length=40)
    language = train_language_delta(
        calm_backbone, random_ticket(calm_backbone, 0.3), lines, config=config, warn=said.append
    )
    held_out = language.report["held_out"]
    assert language.report["helps"] is True
    assert held_out["after"] < held_out["before"] - 0.1
    assert held_out["after"] == min(loss["validation"] for loss in language.report["losses"][1:])
    assert said == language.report["warnings"]
    assert "lowest after step" in language.report["verdict"]


def test_text_that_gives_no_gain_is_said_not_to_help(tmp_path: Path) -> None:
    knowing = load_backbone(write_tiny(tmp_path / "knowing"))  # which words there are: training can only do worse
    used = {number for line in LINES for number in knowing.tokenizer.encode(line).ids[1:-1]}
    knowing.parameters["lm_head.bias"].fill_(-20)[list(used)] = 0
    said: list[str] = []
    config = replace(CONFIG, learning_rate=0.1, epochs=1)
    language = train_language_delta(
        knowing, random_ticket(knowing, 0.3), LINES, config=config, warn=said.append, dtype="fp32"
    )
    assert language.report["helps"] is False
    assert "cannot help" in language.report["verdict"]
    assert "so few lines (6)" in language.report["verdict"]
    assert said[-1] == language.report["verdict"]


def test_patience_ends_a_run_that_no_longer_gains(tiny_backbone: Backbone) -> None:
    ticket = random_ticket(tiny_backbone, 0.3)
    config = LanguageConfig(epochs=40, learning_rate=0.1, batch_size=16, eval_every=1000, patience=2)
    report = train_language_delta(tiny_backbone, ticket, LINES, config=config).report
    after_best = [loss for loss in report["losses"] if loss["step"] > report["best_step"]]
    assert len(after_best) == 2
    assert report["steps"] == report["losses"][-1]["step"] < 40 * 4
    patient = train_language_delta(tiny_backbone, ticket, LINES, config=replace(config, epochs=3, patience=None))
    assert patient.report["steps"] == 3 * 4


def test_equal_lines_are_taken_once(tiny_backbone: Backbone) -> None:
    ticket = random_ticket(tiny_backbone, 0.1)
    report = train_language_delta(tiny_backbone, ticket, [*LINES, *LINES[:7]], config=CONFIG).report
    assert report["repeated_lines"] == 7
    assert sum(report["lines"].values()) == len(LINES)


@pytest.mark.parametrize(("lines", "epochs"), [(300, 30), (2000, 18), (26_000, 2)])
def test_epochs_follow_the_size_of_the_text(tiny_backbone: Backbone, lines: int, epochs: int) -> None:
    config = resolved(LanguageConfig(seed=3), lines=lines, backbone=tiny_backbone)
    assert (config.epochs, config.seed) == (epochs, 3)
    assert config.learning_rate == 2 * tiny_backbone.info.learning_rate
    own = LanguageConfig(epochs=5, learning_rate=1e-3)
    assert resolved(own, lines=lines, backbone=tiny_backbone).epochs == 5
    assert resolved(own, lines=lines, backbone=tiny_backbone).learning_rate == 1e-3


def test_what_cannot_be_trained_is_refused(tiny_backbone: Backbone) -> None:
    ticket = random_ticket(tiny_backbone, 0.1)
    with pytest.raises(CorpusError, match="lines can be used"):
        train_language_delta(tiny_backbone, ticket, ["one line", "one line"], config=CONFIG)
    with pytest.raises(BackboneMismatch):
        train_language_delta(tiny_backbone, replace(ticket, backbone="other"), LINES, config=CONFIG)
    with pytest.raises(DeltaDoesNotFitTicket, match="no parameter is active"):
        train_language_delta(tiny_backbone, empty_ticket(tiny_backbone), LINES, config=CONFIG)
