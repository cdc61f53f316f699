"""Two labels, and words of one's own, through the API: trained, shown, asked, carried elsewhere."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import pytest
from support.running_service import EXAMPLES, Service, refused

from ltp.adapter.artefact import read_export
from ltp.config import LABEL_SPACES, LABELS
from ltp.model.verbalizer import Verbalizer

TWO_WAY = [{**each, "label": "not_entailment" if each["label"] else "entailment"} for each in EXAMPLES]
PAIRS = [{"premise": f"the {who} runs", "hypothesis": f"the {who} is red"} for who in ("dog", "cat", "horse")]
OWN = {"entailment": "yes", "neutral": "perhaps", "contradiction": "no"}
KNOWN = {"entailment": "yes", "neutral": "question", "contradiction": "no"}


@pytest.fixture(scope="module")
def adapters(trained: Service) -> dict[str, dict[str, Any]]:
    """Adapters that answer in different spaces and with different words."""
    return {
        "three": trained.http.get("/adapters", params={"lang": "sw"}).json()["items"][0],
        "two": trained.train("es", examples=TWO_WAY),
        "folded": trained.train("yo", label_space="two_way"),
        "own": trained.train("qu", verbalizer=KNOWN),
        "two own": trained.train("gn", examples=TWO_WAY, verbalizer={"not_entailment": "no", "entailment": "yes"}),
        "two ft": trained.train("de", examples=TWO_WAY, method="ft"),
    }


def judge(service: Service, pairs: list[dict[str, str]], **more: Any) -> list[dict[str, Any]]:
    answer = service.http.post("/predict", json={"lang": "es", "pairs": pairs, **more})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["predictions"]
    return found


def test_an_adapter_says_what_it_answers(trained: Service, adapters: dict[str, dict[str, Any]]) -> None:
    usual = {"three_way": ["right", "maybe", "wrong"], "two_way": ["right", "wrong"]}
    for key, space, words in (
        ("three", "three_way", usual["three_way"]),
        ("two", "two_way", usual["two_way"]),
        ("folded", "two_way", usual["two_way"]),
        ("own", "three_way", ["yes", "question", "no"]),
        ("two own", "two_way", ["yes", "no"]),
        ("two ft", "two_way", None),
    ):
        shown = trained.http.get(f"/adapters/{adapters[key]['id']}").json()
        labels = list(LABEL_SPACES[space])
        assert shown["label_space"] == space, key
        assert shown["verbalizer"] == (words and dict(zip(labels, words, strict=True))), key
        dev = shown["metrics"]["dev"]
        assert (dev["label_space"], list(dev["per_label"]), dev["macro_f1_over"]) == (space, labels, labels), key
    warnings = trained.http.get(f"/adapters/{adapters['folded']['id']}").json()["training"]["report"]["warnings"]
    assert warnings[0] == "6 neutral and 6 contradiction were read as not_entailment (train)"


def test_a_prediction_has_the_labels_of_its_adapter(trained: Service, adapters: dict[str, dict[str, Any]]) -> None:
    asked = [{**PAIRS[0], "adapter": adapter["id"]} for adapter in adapters.values()]
    for answer, adapter in zip(judge(trained, asked), adapters.values(), strict=True):
        labels = LABEL_SPACES[adapter["label_space"]]
        assert tuple(answer["probabilities"]) == labels
        assert sum(answer["probabilities"].values()) == pytest.approx(1)
        assert answer["label"] == max(labels, key=answer["probabilities"].__getitem__)


def test_a_mixed_request_answers_as_each_pair_alone(trained: Service, adapters: dict[str, dict[str, Any]]) -> None:
    asked = [{**pair, "adapter": adapter["id"]} for adapter in adapters.values() for pair in PAIRS]
    together = judge(trained, asked)
    alone = [judge(trained, [pair])[0] for pair in asked]
    for one, other in zip(together, alone, strict=True):
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-5)


def test_every_adapter_can_be_asked_two_way(trained: Service, adapters: dict[str, dict[str, Any]]) -> None:
    asked = [{**PAIRS[0], "adapter": adapter["id"]} for adapter in adapters.values()]
    plain, folded = judge(trained, asked), judge(trained, asked, **{"as": "two_way"})
    for one, other in zip(plain, folded, strict=True):
        entailment, *rest = one["probabilities"].values()
        assert other["probabilities"] == pytest.approx({"entailment": entailment, "not_entailment": sum(rest)})
        assert other["label"] == max(other["probabilities"], key=other["probabilities"].__getitem__)
        if len(rest) == 1:
            assert one == other
    (three,) = judge(trained, [asked[0]], min_confidence=0.6)
    (two,) = judge(trained, [asked[0]], min_confidence=0.6, **{"as": "two_way"})
    assert three["abstained"] == (max(three["probabilities"].values()) < 0.6)
    assert two["abstained"] == (max(two["probabilities"].values()) < 0.6)
    assert (three["abstained"], two["abstained"]) == (True, False)


@pytest.mark.parametrize("wanted", ["three_way", "two", 2, True])
def test_there_is_no_other_way_to_be_asked(trained: Service, wanted: object) -> None:
    body = {"lang": "sw", "pairs": PAIRS, "as": wanted}
    assert refused(trained.http.post("/predict", json=body), 422, "invalid_request")["fields"][0]["path"] == "as"


def predicted(service: Service, rows: str, name: str = "pairs.csv", **request: Any) -> tuple[dict[str, Any], str]:
    files = {"file": (name, rows.encode()), "request": (None, json.dumps(request))}
    accepted = service.http.post("/predictions", files=files)
    assert accepted.status_code == 202, accepted.text
    service.work()
    prediction = service.http.get(f"/predictions/{accepted.json()['prediction']['id']}").json()
    assert prediction["status"] == "ready", service.http.get(accepted.headers["Location"]).text
    return prediction, service.http.get(f"/predictions/{prediction['id']}/result").text


ANSWERED = ["answered_by", "fallback", "truncated"]
ROWS = "premise,hypothesis,lang\nthe dog runs,the dog is red,sw\nthe cat runs,the cat is red,es\n"


def test_a_file_of_both_spaces_has_the_columns_of_both(trained: Service, adapters: dict[str, dict[str, Any]]) -> None:
    prediction, text = predicted(trained, ROWS, lang="sw")
    three, two = csv.DictReader(io.StringIO(text))
    assert list(three) == ["premise", "hypothesis", "lang", "label", *LABELS, "not_entailment", *ANSWERED]
    assert (three["not_entailment"], two["neutral"], two["contradiction"]) == ("", "", "")
    assert float(three["neutral"]) + float(three["entailment"]) + float(three["contradiction"]) == pytest.approx(1)
    assert float(two["entailment"]) + float(two["not_entailment"]) == pytest.approx(1)
    summary = prediction["summary"]
    assert summary["label_spaces"] == {"three_way": 1, "two_way": 1}
    assert summary["pairs"] == sum(summary["labels"].values()) == 2
    (told,) = summary["warnings"]
    assert told == (
        "1 pairs were answered by adapters that know entailment and not_entailment alone, 1 by adapters that know three"
        " labels; ask for two_way to have them all alike"
    )


def test_a_file_answered_two_way_has_two_columns(trained: Service, adapters: dict[str, dict[str, Any]]) -> None:
    prediction, text = predicted(trained, ROWS, lang="sw", min_confidence=0.5, **{"as": "two_way"})
    rows = list(csv.DictReader(io.StringIO(text)))
    two_way = ["label", "entailment", "not_entailment", *ANSWERED]
    assert list(rows[0]) == ["premise", "hypothesis", "lang", *two_way, "abstained"]
    assert [row["abstained"] for row in rows] == ["false", "false"]
    assert (prediction["as"], prediction["summary"]["label_spaces"]) == ("two_way", {"two_way": 2})
    assert prediction["summary"]["warnings"] == []
    alone, lines = predicted(
        trained, '{"premise": "the dog runs", "hypothesis": "the dog is red"}\n', "pairs.jsonl", lang="es"
    )
    counted = [alone["summary"][mark] for mark in ("truncated", "fallback", "abstained", "unknown")]
    assert [type(count) for count in counted] == [int] * 4  # of a single pair, too
    assert list(json.loads(lines)) == ["premise", "hypothesis", *two_way]


def test_a_fallback_of_another_space_is_told(trained: Service, adapters: dict[str, dict[str, Any]]) -> None:
    (answer,) = judge(trained, [{**PAIRS[0], "lang": "fi"}], fallback=adapters["two"]["id"])
    assert (answer["fallback"], len(answer["probabilities"])) == (True, 2)
    rows = ROWS.replace(",es", ",fi")
    prediction, _ = predicted(trained, rows, lang="sw", fallback="es")
    assert (prediction["summary"]["fallback"], prediction["summary"]["label_spaces"]["two_way"]) == (1, 1)
    assert "entailment and not_entailment alone" in prediction["summary"]["warnings"][0]


@pytest.mark.parametrize("key", ["two", "own", "two own", "two ft"])
def test_export_and_import_keep_labels_and_words(
    trained: Service, adapters: dict[str, dict[str, Any]], key: str
) -> None:
    adapter = adapters[key]
    content = trained.http.get(f"/adapters/{adapter['id']}/export").content
    brought = trained.bring_in(content, lang="fr")
    assert brought.status_code == 201, brought.text
    copy = brought.json()
    for name in ("label_space", "verbalizer", "metrics"):
        assert copy[name] == trained.http.get(f"/adapters/{adapter['id']}").json()[name]
    here, there = ([{**pair, "adapter": each} for pair in PAIRS] for each in (adapter["id"], copy["id"]))
    assert [each["probabilities"] for each in judge(trained, here)] == [
        each["probabilities"] for each in judge(trained, there)
    ]


@pytest.mark.parametrize(
    ("changes", "notes_of", "message"),
    [
        ({}, "own", "metrics.dev are not of the labels that its adapter answers with, entailment, not_entailment"),
        ({"chosen": Verbalizer()}, "two", "metrics.dev are not of the labels that its adapter answers with"),
        ({"chosen": Verbalizer("two_way", ("bicycles", "no"))}, "two", "'bicycles' (entailment) is 2 pieces"),
        ({"chosen": Verbalizer("two_way", ("yes", "ᱚ"))}, "two", "'ᱚ' (not_entailment) is not in the backbone's voc"),
        ({"chosen": Verbalizer("two_way", ("yes", "yes"))}, "two", "are the same token"),
        ({"chosen": Verbalizer("two_way", None)}, "two", "its verbalizer is '', which method ltp cannot have"),
    ],
)
def test_a_forged_export_is_refused(
    trained: Service,
    adapters: dict[str, dict[str, Any]],
    tmp_path: Path,
    changes: dict[str, Any],
    notes_of: str,
    message: str,
) -> None:
    found = {}
    for key in ("two", notes_of):
        (tmp_path / key).write_bytes(trained.http.get(f"/adapters/{adapters[key]['id']}/export").content)
        found[key] = read_export(tmp_path / key)
    adapter = dataclasses.replace(found["two"].adapter, **changes)
    adapter.save(tmp_path / "forged", ticket=found["two"].ticket, notes=found[notes_of].notes)
    answer = refused(trained.bring_in((tmp_path / "forged").read_bytes(), lang="fr"), 422, "corrupt_artifact")
    assert message in answer["detail"]


@pytest.mark.parametrize(
    ("request_part", "path", "message"),
    [
        ({"verbalizer": OWN}, "verbalizer", r"'perhaps' (neutral) is "),
        ({"verbalizer": OWN}, "verbalizer", "pieces of the backbone's vocabulary (▁"),
        ({"verbalizer": OWN | {"neutral": "yes"}}, "verbalizer", "are the same token"),
        ({"verbalizer": OWN | {"neutral": "ᱚᱞ"}}, "verbalizer", "'ᱚᱞ' (neutral) is not in the backbone's vocabulary"),
        ({"verbalizer": OWN | {"neutral": "<mask>"}}, "verbalizer", "is the piece <mask>, which is no word"),
        ({"verbalizer": {"entailment": "yes", "not_entailment": "no"}}, "verbalizer", "labels of three_way"),
        ({"verbalizer": KNOWN, "label_space": "two_way"}, "verbalizer", "labels of two_way"),
        ({"verbalizer": KNOWN, "method": "ft"}, "verbalizer", "it must be left out: method 'ft' has a head of its own"),
        ({"label_space": "three_way", "examples": TWO_WAY}, "examples", "ask for label_space two_way"),
        ({"examples": [*EXAMPLES, TWO_WAY[1]]}, "examples", "belong to two label spaces"),
        ({"examples": EXAMPLES[:1], "label_space": "two_way"}, "examples", "not_entailment does not occur"),
        ({"dev_examples": TWO_WAY}, "dev_examples", "the training examples have three labels"),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_queued(
    trained: Service, request_part: dict[str, Any], path: str, message: str
) -> None:
    body = {"lang": "sw", "examples": EXAMPLES, **request_part}
    answer = refused(trained.http.post("/adapters", json=body), 422, "invalid_request")
    assert answer["fields"][0]["path"] == path
    assert message in answer["fields"][0]["message"]


def test_the_usual_words_are_no_words_of_ones_own(trained: Service) -> None:
    words = {"entailment": "right", "neutral": "maybe", "contradiction": "wrong"}
    adapter = trained.train("en", verbalizer=words, training={"delta_dtype": "fp16"})  # codes are of version 4
    content = trained.http.get(f"/adapters/{adapter['id']}/export").content
    assert b'"version":"1"' in content[:20_000].replace(b" ", b"")


def test_an_uploaded_file_of_two_labels_trains_two_way_and_is_tested_on_three(trained: Service) -> None:
    """HANS writes non-entailment; a test set of three labels is folded, since training says what is meant."""
    spelt = ["non-entailment" if each["label"] == "not_entailment" else "entailment" for each in TWO_WAY]
    rows = [f"{each['premise']}\t{each['hypothesis']}\t{word}" for each, word in zip(TWO_WAY, spelt, strict=True)]
    test = [f"{each['premise']}\t{each['hypothesis']}\t{LABELS[each['label']]}" for each in EXAMPLES[:6]]  # type: ignore[index]
    header = "sentence1\tsentence2\tgold_label"
    files = {
        "examples": ("train.tsv", "\n".join([header, *rows]).encode()),
        "test_examples": ("test.tsv", "\n".join([header, *test]).encode()),
        "request": (None, json.dumps({"lang": "en", "method": "pt", "training": {"epochs": 1}})),
    }
    accepted = trained.http.post("/adapters", files=files)
    assert accepted.status_code == 202, accepted.text
    trained.work()
    adapter = trained.http.get(f"/adapters/{accepted.json()['adapter']['id']}").json()
    assert (adapter["status"], adapter["label_space"]) == ("ready", "two_way")
    assert adapter["metrics"]["test"]["per_label"]["not_entailment"]["support"] == 4
