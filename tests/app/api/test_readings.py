"""What an adapter keeps of how its files were read; and files of pairs that are judged as they were said to be read."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest
from support.running_service import EXAMPLES, Service, refused

from app.api.import_notes import read_notes
from app.api.schemas.adapters import ImportRequest

pytestmark = pytest.mark.process

WORDS = ("entailment", "neutral", "contradiction")
ROWS = [(example["premise"], example["hypothesis"], WORDS[example["label"]]) for example in EXAMPLES]
SAME = ("the bird eats", "the bird is red")
PT = {"method": "pt", "training": {"epochs": 1}}


def table(rows: list[tuple[str, ...]], header: str = "premise,hypothesis,label") -> bytes:
    return "\n".join([header, *map(",".join, rows)]).encode() + b"\n"


def send(service: Service, examples: bytes, *, dev: bytes | None = None, **request: Any) -> httpx.Response:
    files: dict[str, Any] = {"examples": ("train.csv", examples), "request": (None, json.dumps({**PT, **request}))}
    if dev is not None:
        files["dev_examples"] = ("dev.csv", dev)
    return service.http.post("/adapters", files=files)


def trained_on(service: Service, accepted: httpx.Response) -> dict[str, Any]:
    assert accepted.status_code == 202, accepted.text
    service.work()
    adapter: dict[str, Any] = service.http.get(f"/adapters/{accepted.json()['adapter']['id']}").json()
    assert adapter["status"] == "ready"
    return adapter


def test_an_adapter_keeps_the_readings_of_its_files_without_their_rows(shared: Service) -> None:
    shared.wait_ready()
    train = table([*ROWS, (*SAME, "neutral"), (*SAME, "contradiction"), ("the bird", "a bird", "-")])
    dev = table([*ROWS[:6], ("the bird", " ", "neutral"), (*SAME, "neutral"), (*SAME, "contradiction")])
    accepted = send(shared, train, dev=dev, lang="sw")
    adapter = trained_on(shared, accepted)
    assert accepted.json()["adapter"]["reading"] == adapter["reading"], "from the beginning, and still when published"
    told = adapter["reading"]
    assert (told["format"], told["rows"], told["read"], told["conflicts"]) == ("csv", 21, 18, 1)
    assert sum(each["rows"] for each in told["left_out"]) == 3
    assert told["sample"] == []
    assert (adapter["examples"]["train"], adapter["examples"]["dev"]) == (18, 8)
    held_out = adapter["held_out_readings"]["dev"]
    assert (held_out["rows"], held_out["read"], held_out["conflicts"]) == (9, 8, 1), "scoring keeps what contradicts"
    assert held_out["left_out"][0]["first_line"] == 8
    assert "the dog runs" not in json.dumps(adapter)
    (listed,) = [row for row in shared.http.get("/adapters").json()["items"] if row["id"] == adapter["id"]]
    assert (listed["reading"], listed["held_out_readings"]) == (None, {})


def test_an_export_does_not_carry_what_is_about_files_that_stay(shared: Service) -> None:
    shared.wait_ready()
    adapter = trained_on(shared, send(shared, table(ROWS), lang="en", alias="production"))
    assert adapter["reading"]["rows"] == 18
    exported = shared.export()
    assert b"readings" not in exported
    imported = shared.bring_in(exported, lang="fr")
    assert imported.status_code == 201, imported.text
    assert imported.json()["reading"] is None
    assert imported.json()["examples"] == adapter["examples"]


def test_an_import_believes_no_reading_of_files_that_nobody_here_has_seen() -> None:
    raw = {"lang": "sw", "examples": {"train": 3, "readings": {"train": {"format": ["no", "reading"]}}}}
    assert read_notes(json.dumps(raw), ImportRequest()).kept().examples == {"train": 3}


def test_examples_that_all_contradict_each_other_are_refused_as_what_they_are(shared: Service) -> None:
    shared.wait_ready()
    pair = {"premise": "the dog runs", "hypothesis": "the dog sleeps"}
    examples = [{**pair, "label": label} for label in ("entailment", "neutral", "contradiction")]
    body = {"lang": "sw", "method": "pt", "examples": examples}
    answer = refused(shared.http.post("/adapters", json=body), 422, "invalid_request")
    assert "every pair stands with different labels" in answer["detail"]
    assert "`conflicts`" in answer["detail"]


@pytest.mark.parametrize(("rule", "used"), [(None, 18), ("drop", 18), ("majority", 20), ("keep", 21)])
def test_examples_in_the_request_obey_the_same_rule_for_contradictions(
    shared: Service, rule: str | None, used: int
) -> None:
    shared.wait_ready()
    disagreeing = [dict(zip(("premise", "hypothesis", "label"), (*SAME, label), strict=True)) for label in (1, 1, 2)]
    asked = {} if rule is None else {"conflicts": rule}
    body = {"lang": "sw", "examples": [*EXAMPLES, *disagreeing], **PT, **asked}
    adapter = shared.http.post("/adapters", json=body).json()["adapter"]
    shared.work()
    told = adapter["reading"]
    assert (told["format"], told["rows"], told["conflicts"]) == ("request", 21, 1)
    assert adapter["examples"]["train"] == told["read"]
    assert told["read"] == used
    assert any("label" in warning for warning in told["warnings"])


def test_columns_and_labels_are_said_for_every_part(shared: Service) -> None:
    shared.wait_ready()
    renamed = [(premise, hypothesis, str((WORDS.index(label) + 1) % 3)) for premise, hypothesis, label in ROWS]
    content = table(renamed, "first,second,judged")
    columns = {"premise": "first", "hypothesis": "second", "label": "judged"}
    accepted = send(shared, content, dev=content, lang="sw", columns=columns, labels="c,e,n")
    told = accepted.json()["adapter"]
    for each in (told["reading"], told["held_out_readings"]["dev"]):
        assert {name: meant["label"] for name, meant in each["labels"].items()} == {
            "0": "contradiction", "1": "entailment", "2": "neutral"
        }  # fmt: skip
    body = refused(send(shared, content, lang="sw"), 422, "invalid_request")
    assert body["fields"][0]["path"] == "examples"
    assert "columns" in body["detail"]
    shared.work()


def test_one_language_of_several_is_trained_on(shared: Service) -> None:
    shared.wait_ready()
    rows = [(lang, *row) for lang in ("quy", "aym") for row in ROWS]
    content = table(rows, "language,premise,hypothesis,label")
    body = refused(send(shared, content, lang="quy"), 422, "invalid_request")
    assert "18" in body["detail"]
    adapter = send(shared, content, lang="quy", lang_column="language").json()["adapter"]
    assert adapter["examples"]["train"] == 18
    assert adapter["reading"]["languages"] == {"quy": 18, "aym": 18}
    shared.work()


def judged(service: Service, name: str, content: bytes, **request: Any) -> tuple[dict[str, Any], httpx.Response]:
    files = {"file": (name, content), "request": (None, json.dumps(request))}
    accepted = service.http.post("/predictions", files=files)
    assert accepted.status_code == 202, accepted.text
    service.work()
    url = f"/predictions/{accepted.json()['prediction']['id']}"
    return service.http.get(url).json(), service.http.get(f"{url}/result")


@pytest.fixture
def two_languages(shared: Service) -> Service:
    """A service with an adapter for `qu` and one for `ay`."""
    shared.wait_ready()
    for lang in ("qu", "ay"):
        if not shared.http.get("/adapters", params={"lang": lang}).json()["items"]:
            trained_on(shared, send(shared, table(ROWS), lang=lang))
    return shared


def test_a_row_is_judged_by_its_own_language_unless_that_is_to_be_ignored(two_languages: Service) -> None:
    content = table([("qu", "the dog runs", "the dog"), ("ay", "the cat eats", "the cat")], "code,first,second")
    columns = {"premise": "first", "hypothesis": "second"}
    for asked, expected in (
        ({"lang_column": "code"}, {"qu": 1, "ay": 1}),
        ({"columns": {**columns, "lang": "code"}}, {"qu": 1, "ay": 1}),
        ({"lang_column": "code", "ignore_row_lang": True}, {"qu": 2}),
        ({}, {"qu": 2}),
    ):
        prediction, result = judged(two_languages, "p.csv", content, **{"lang": "qu", "columns": columns, **asked})
        assert prediction["status"] == "ready"
        assert {each["adapter"]["lang"]: each["rows"] for each in prediction["adapters"]} == expected
        assert result.text.splitlines()[0].startswith("code,first,second,label")


def test_rows_of_several_languages_for_one_adapter_are_warned_of(two_languages: Service) -> None:
    content = table(
        [("qu", "the dog runs", "the dog"), ("ay", "the cat eats", "the cat")], "language,premise,hypothesis"
    )
    prediction, _ = judged(two_languages, "p.csv", content, lang="qu")
    (warning,) = prediction["summary"]["warnings"]
    assert "several languages, which all go to one adapter: 'language' has qu 1, ay 1" in warning
    assert "`lang_column` language" in warning
    routed, _ = judged(two_languages, "p.csv", content, lang="qu", lang_column="language")
    assert routed["summary"]["warnings"] == []


def test_what_was_packed_comes_back_plain_under_a_name_that_says_so(two_languages: Service) -> None:
    content = gzip.compress(table([("the dog runs", "the dog")], "premise,hypothesis"))
    _, result = judged(two_languages, "pairs.csv.gz", content, lang="qu")
    assert result.headers["Content-Type"].startswith("text/csv")
    assert 'filename="pairs.csv"' in result.headers["Content-Disposition"]
    array = json.dumps([{"premise": "the dog runs", "hypothesis": "the dog"}]).encode()
    _, result = judged(two_languages, "pairs.json", array, lang="qu")
    assert result.headers["Content-Type"].startswith("application/jsonl")
    assert 'filename="pairs.jsonl"' in result.headers["Content-Disposition"]
    assert json.loads(result.text)["label"] in WORDS
