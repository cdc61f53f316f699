"""A calibrated adapter: its file says so, no earlier program answers from it, and it is scored as it answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.synthetic import pairs

from ltp import tensorfile
from ltp.adapter.artefact import Adapter, open_export
from ltp.adapter.plan import make_plan
from ltp.adapter.report import Scorer
from ltp.adapter.train import train_adapter
from ltp.backbone.load import Backbone
from ltp.calibration import Calibration
from ltp.config import AdapterConfig
from ltp.delta.header_checksum import with_checksum
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest
from ltp.errors import AdapterNotUsable, CorruptArtifact
from ltp.metrics import score

CONFIG = AdapterConfig(epochs=1, batch_size=16, max_length=64)
CALIBRATION = Calibration(1.7, (0.9, -0.3, -0.6))
TRAIN, DEV = pairs(12, seed=1), pairs(30, seed=2)


@pytest.fixture(scope="module")
def plain(tiny_backbone: Backbone) -> Adapter:
    return train_adapter(tiny_backbone, None, method="pt", train=TRAIN, dev=DEV, config=CONFIG).adapter


def facts_of(path: Path) -> dict[str, str]:
    return tensorfile.read(path, check=lambda header: header.metadata)[1]


def test_a_file_keeps_it_under_a_version_that_earlier_programs_refuse(plain: Adapter, tmp_path: Path) -> None:
    path = tmp_path / "adapter"
    replace(plain, calibration=CALIBRATION).save(path)
    assert Adapter.load(path).calibration == CALIBRATION
    facts = facts_of(path)
    assert facts["version"] == "3"
    assert json.loads(facts["calibration"]) == {"temperature": CALIBRATION.temperature, "bias": [*CALIBRATION.bias]}
    export = open_export(path)
    export.adapter.save(tmp_path / "again", left=export.left)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_a_file_without_one_says_nothing_of_it(plain: Adapter, tmp_path: Path) -> None:
    plain.save(tmp_path / "adapter")
    facts = facts_of(tmp_path / "adapter")
    assert ("calibration" in facts, facts["version"]) == (False, "1")
    assert Adapter.load(tmp_path / "adapter").calibration is None


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "1"},
        {"version": "2"},
        {"calibration": ""},
        {"calibration": "[1, 0, 0]"},
        {"calibration": '{"temperature": 1.0}'},
        {"calibration": '{"temperature": "1", "bias": [0, 0, 0]}'},
        {"calibration": '{"temperature": true, "bias": [0, 0, 0]}'},
        {"calibration": '{"temperature": 0, "bias": [0, 0, 0]}'},
        {"calibration": '{"temperature": NaN, "bias": [0, 0, 0]}'},
        {"calibration": '{"temperature": 1e999, "bias": [0, 0, 0]}'},
        {"calibration": '{"temperature": 1.0, "bias": [0, 0]}'},
        {"calibration": '{"temperature": 1.0, "bias": [0, 0, 0, 0]}'},
        {"calibration": '{"temperature": 1.0, "bias": [0, 0, Infinity]}'},
        {"calibration": '{"temperature": 1.0, "bias": [0, 0, 0], "more": 1}'},
    ],
    ids=lambda changes: "".join(changes.values()) or "empty",
)
def test_what_is_no_calibration_is_refused(plain: Adapter, tmp_path: Path, changes: dict[str, str]) -> None:
    path = tmp_path / "adapter"
    replace(plain, calibration=CALIBRATION).save(path)
    arrays, facts = tensorfile.read(path, check=lambda header: header.metadata)
    kept = {name: value for name, value in (facts | changes).items() if not name.endswith("_sha256")}
    tensorfile.write(path, arrays, with_checksum(arrays, kept | {"ticket_sha256": ""}))
    with pytest.raises(CorruptArtifact):
        Adapter.load(path)


def test_a_file_of_its_version_without_one_is_refused(plain: Adapter, tmp_path: Path) -> None:
    path = tmp_path / "adapter"
    replace(plain, calibration=CALIBRATION).save(path)
    arrays, facts = tensorfile.read(path, check=lambda header: header.metadata)
    kept = {name: value for name, value in facts.items() if not name.endswith("_sha256") and name != "calibration"}
    tensorfile.write(path, arrays, with_checksum(arrays, kept | {"ticket_sha256": ""}))
    with pytest.raises(CorruptArtifact, match="is of version 3"):
        Adapter.load(path)


def test_it_is_scored_as_the_engine_answers(tiny_backbone: Backbone, plain: Adapter) -> None:
    adapter = replace(plain, calibration=CALIBRATION)
    plan = make_plan(
        tiny_backbone, None, method="pt", train=TRAIN, dev=DEV, test=(), config=CONFIG, seeds=1, verbalizer=None
    )
    scorer = Scorer(plan)
    told, uncalibrated = (
        scorer(each, plan.dev, selected_on=True, done=lambda _: None).figures for each in (adapter, plain)
    )
    engine = Engine(tiny_backbone, source={"plain": (plain, None), "calibrated": (adapter, None)}.__getitem__)
    answers = engine.predict([PairRequest("calibrated", pair.premise, pair.hypothesis) for pair in DEV])
    probabilities = np.array([answer.probabilities for answer in answers])
    found = score(probabilities, plan.dev.labels.numpy())
    assert found.confusion == told["confusion"]
    assert found.ece == pytest.approx(told["ece"], abs=1e-5)
    assert abs(told["loss"] - uncalibrated["loss"]) > 0.01
    (other,) = engine.predict([PairRequest("plain", DEV[0].premise, DEV[0].hypothesis)])
    logits = np.log(other.probabilities)[None]
    calibrated = np.exp(CALIBRATION.apply(logits))
    assert np.allclose(calibrated / calibrated.sum(), probabilities[:1], atol=1e-5)
    two = answers[0].as_two_way().probabilities
    assert two == (answers[0].probabilities[0], sum(answers[0].probabilities[1:]))


def test_an_answer_that_is_not_finite_stays_none(tiny_backbone: Backbone, plain: Adapter) -> None:
    spoiled = replace(plain, prompt=plain.prompt * float("inf"), calibration=CALIBRATION)
    with pytest.raises(AdapterNotUsable):
        Engine(tiny_backbone, source=lambda _: (spoiled, None)).predict([PairRequest("x", "a dog", "a cat")])
