"""Two labels, and words of one's own, through training: it learns, goes on after a break, and its file says it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.synthetic import pairs, random_ticket

from ltp import tensorfile
from ltp.adapter.artefact import Adapter, read_export
from ltp.adapter.plan import make_plan
from ltp.adapter.train import TrainedAdapter, train_adapter
from ltp.backbone.load import Backbone
from ltp.config import AdapterConfig
from ltp.delta.header_checksum import with_checksum
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest
from ltp.errors import ExamplesError, TooFewExamples, TrainingCancelled, VerbalizerNotSingleToken
from ltp.metrics import score
from ltp.model.methods import METHODS, Method
from ltp.model.verbalizer import Verbalizer, verbalizer_of
from ltp.progress import Progress
from ltp.text.examples import Example, folded
from ltp.training.checkpoint import Checkpoints

CONFIG = AdapterConfig(epochs=12, batch_size=16, learning_rate=3e-3, max_length=64)
SHORT = AdapterConfig(epochs=2, batch_size=16, learning_rate=3e-3, max_length=64)
SIDES = {
    part: folded(pairs(count, seed=seed, cue=True))
    for part, count, seed in (("train", 96, 2), ("dev", 45, 3), ("test", 90, 4))
}
OWN = {"entailment": "dog", "not_entailment": "cat"}


def trained_on(
    backbone: Backbone, method: Method, verbalizer: Verbalizer, config: AdapterConfig = CONFIG, **more
) -> TrainedAdapter:
    ticket = random_ticket(backbone, 0.2, strategy="tied") if METHODS[method].needs_ticket else None
    return train_adapter(backbone, ticket, method=method, config=config, verbalizer=verbalizer, **{**SIDES, **more})


@pytest.mark.slow
@pytest.mark.parametrize(("method", "words"), [("ltp", OWN), ("ft", None), ("dp", None)])
def test_two_labels_are_learnt_and_the_file_answers_as_it_was_scored(
    tiny_backbone: Backbone, tmp_path: Path, method: Method, words: dict[str, str] | None
) -> None:
    verbalizer = verbalizer_of(method, "two_way", words)
    trained = trained_on(tiny_backbone, method, verbalizer)
    dev = trained.metrics["test"]
    assert dev["accuracy"] >= 0.9
    assert (dev["label_space"], list(dev["per_label"]), np.shape(dev["confusion"])) == (
        "two_way",
        ["entailment", "not_entailment"],
        (2, 2),
    )
    ticket = random_ticket(tiny_backbone, 0.2, strategy="tied") if METHODS[method].needs_ticket else None
    trained.adapter.save(tmp_path / "export", ticket=ticket)
    export = read_export(tmp_path / "export", tiny_backbone.info)
    assert export.adapter.verbalizer == verbalizer
    engine = Engine(tiny_backbone, source=lambda _: export[:2])
    for _ in range(2):  # compact, then fused
        answers = engine.predict([PairRequest("x", pair.premise, pair.hypothesis) for pair in SIDES["test"]])
        probabilities = np.array([answer.probabilities for answer in answers])
        truth = np.array([int(pair.label != "entailment") for pair in SIDES["test"]])
        assert score(probabilities, truth, "two_way").accuracy == dev["accuracy"]
        assert all(answer.label == answer.as_two_way().label for answer in answers)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["ltp", "ft"])
def test_an_interrupted_two_way_training_goes_on_to_the_same_bits(
    tiny_backbone: Backbone, tmp_path: Path, method: Method
) -> None:
    verbalizer = verbalizer_of(method, "two_way")

    def stop(progress: Progress) -> None:
        if progress.phase == "training" and progress.step == 7:
            raise TrainingCancelled("killed")

    whole = trained_on(tiny_backbone, method, verbalizer, SHORT)
    checkpoints = Checkpoints(tmp_path, budget=1e9)
    with pytest.raises(TrainingCancelled):
        trained_on(tiny_backbone, method, verbalizer, SHORT, checkpoints=checkpoints, progress=stop)
    seen: list[int] = []
    resumed = trained_on(
        tiny_backbone, method, verbalizer, SHORT, checkpoints=checkpoints, progress=lambda now: seen.append(now.step)
    )
    assert seen[0] == 8
    assert resumed.metrics == whole.metrics
    assert torch.equal(resumed.adapter.prompt, whole.adapter.prompt)
    for name, values in whole.adapter.delta.values.items():
        assert torch.equal(values, resumed.adapter.delta.values[name]), name


def plan_of(backbone: Backbone, verbalizer: Verbalizer | None, examples: list[Example]) -> str:
    return make_plan(
        backbone,
        None,
        method="pt",
        train=examples,
        dev=examples,
        test=(),
        config=SHORT,
        seeds=1,
        verbalizer=verbalizer,
    ).identity


def test_a_checkpoint_of_other_labels_or_words_is_not_gone_on_with(tiny_backbone: Backbone) -> None:
    three, two = pairs(12, seed=1), folded(pairs(12, seed=1))
    usual = plan_of(tiny_backbone, None, three)
    assert usual == plan_of(tiny_backbone, verbalizer_of("pt"), three)
    own = {"entailment": "dog", "neutral": "cat", "contradiction": "cow"}
    others = {
        plan_of(tiny_backbone, verbalizer_of("pt", words=own), three),
        plan_of(tiny_backbone, verbalizer_of("pt", "two_way"), two),
        plan_of(tiny_backbone, verbalizer_of("pt", "two_way", OWN), two),
    }
    assert len(others | {usual}) == 4


def test_examples_and_words_that_do_not_fit_the_space_are_refused(tiny_backbone: Backbone) -> None:
    three, two = pairs(12, seed=1), folded(pairs(12, seed=1))
    two_way = verbalizer_of("pt", "two_way")
    with pytest.raises(TooFewExamples, match="neutral and contradiction does not occur"):
        plan_of(tiny_backbone, verbalizer_of("pt"), two)
    with pytest.raises(TooFewExamples, match="not_entailment does not occur"):
        plan_of(tiny_backbone, two_way, three)
    with pytest.raises(ExamplesError, match=r"example 2 is neutral; here labels are entailment and not_entailment"):
        plan_of(tiny_backbone, two_way, [*three[:2], *two])
    with pytest.raises(VerbalizerNotSingleToken, match=r"'bicycles' \(entailment\) is \d pieces"):
        plan_of(tiny_backbone, verbalizer_of("pt", "two_way", OWN | {"entailment": "bicycles"}), two)


def test_a_file_from_before_label_spaces_is_three_way_with_the_usual_words(
    tiny_backbone: Backbone, tmp_path: Path
) -> None:
    adapter = trained_on(
        tiny_backbone, "pt", verbalizer_of("pt"), SHORT, train=pairs(12, seed=1), dev=pairs(6, seed=2), test=()
    )
    path = tmp_path / "adapter"
    adapter.adapter.save(path)
    arrays, facts = tensorfile.read(path, check=lambda header: header.metadata)
    assert (facts["version"], facts["label_space"]) == ("1", "three_way")
    older = {
        key: value
        for key, value in facts.items()
        if key not in ("label_space", "verbalizer", "header_sha256", "data_sha256")
    }
    tensorfile.write(path, arrays, with_checksum(arrays, older))
    assert Adapter.load(path, tiny_backbone.info).verbalizer == Verbalizer()


def test_the_file_of_a_classifier_of_two_has_two_rows(tiny_backbone: Backbone, tmp_path: Path) -> None:
    trained = trained_on(tiny_backbone, "ft", verbalizer_of("ft", "two_way"), SHORT)
    assert trained.adapter.head["out.weight"].shape == (2, tiny_backbone.info.hidden)
    trained.adapter.save(tmp_path / "adapter")
    assert Adapter.load(tmp_path / "adapter", tiny_backbone.info).head["out.bias"].shape == (2,)


def test_folded_probabilities_add_up(tiny_backbone: Backbone) -> None:
    trained = trained_on(
        tiny_backbone, "pt", verbalizer_of("pt"), SHORT, train=pairs(12, seed=1), dev=pairs(6, seed=2), test=()
    )
    engine = Engine(tiny_backbone, source=lambda _: (trained.adapter, None))
    (answer,) = engine.predict([PairRequest("x", "a dog", "a cat")])
    entailment, neutral, contradiction = answer.probabilities
    folded_answer = answer.as_two_way()
    assert folded_answer.by_label == {"entailment": entailment, "not_entailment": neutral + contradiction}
    assert folded_answer.as_two_way() == folded_answer
    assert replace(answer, probabilities=(0.4, 0.3, 0.3)).label == "entailment"
    assert replace(answer, probabilities=(0.4, 0.3, 0.3)).as_two_way().label == "not_entailment"
