"""What a training begins from: the starter where one fits, another adapter, or pretrained values; else a refusal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.packed_starter import write_starter
from support.running_service import EXAMPLES, LINES, Service, refused, running, settings_for

pytestmark = pytest.mark.process

TRAINING = {"epochs": 1, "learning_rate": 1e-3}
TWO_WAY = [{**example, "label": "entailment" if example["label"] == 0 else "not_entailment"} for example in EXAMPLES]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[Any]:
    """A service with a starter, and with a ticket of its own from another text."""
    home = tmp_path_factory.mktemp("starts")
    with running(settings_for(home / "made", migrated_sqlite, tiny_backbone_dir)) as service:
        service.wait_ready()
        service.make_ticket()
        folder = write_starter(service, home / "starter", training={"epochs": 2, "prompt_length": 5})
    with running(settings_for(home / "data", migrated_sqlite, tiny_backbone_dir, starter=str(folder))) as service:
        service.wait_ready()
        service.own = service.make_ticket(corpus={"texts": [line.upper() for line in LINES]})  # type: ignore[attr-defined]
        yield service


def starter(service: Service) -> dict[str, Any]:
    (listed,) = service.http.get("/adapters", params={"lang": "mul", "alias": "starter"}).json()["items"]
    return dict(listed)


def test_training_begins_from_the_starter_on_its_ticket_where_nothing_is_said(started: Service) -> None:
    adapter, its = started.train("sw"), starter(started)
    assert adapter["start"] == {"id": its["id"], "lang": "mul", "version": 1, "carried": 1.0, "nested": True}
    assert adapter["training"]["start"] == adapter["start"]
    assert (adapter["ticket"], adapter["origin"], adapter["shared"]) == (its["ticket"], "training", False)
    used = adapter["training"]
    assert (used["estimate"], used["prompt_length"]) == ("cross_fit", 5)
    assert adapter["metrics"]["dev"]["estimated"] == "cross_fitted"
    assert adapter["metrics"]["baseline"]["start"]["accuracy"] >= 0
    assert adapter["examples"]["train"] == adapter["examples"]["dev"] == len(EXAMPLES)
    assert "is published" in used["report"]["choice"]["why"]
    own = started.train("sn", dev_examples=EXAMPLES)
    assert own["training"]["estimate"] == "holdout", "development examples of one's own stay"
    assert own["metrics"]["dev"]["estimated"] is None
    assert used["precision"] in ("fp32", "bf16")
    (listed,) = started.http.get("/adapters", params={"lang": "sw"}).json()["items"]
    assert listed["start"] == adapter["start"]


def test_null_is_the_papers_way_whatever_starter_there_is(started: Service) -> None:
    adapter = started.train("quy", start=None)
    assert adapter["start"] is None
    assert adapter["ticket"] == starter(started)["ticket"], "which is the default one all the same"
    used = adapter["training"]
    assert (used["estimate"], used["precision"], used["average"], used["prompt_length"]) == (
        "holdout", "fp32", "none", 4
    )  # fmt: skip


def test_training_begins_from_another_adapter_and_says_which(started: Service) -> None:
    first = started.train("ha", start=None, training={"epochs": 2})
    for reference in ("ha", "ha@1", first["id"]):
        second = started.train("ig", start=reference)
        told = {key: second["start"][key] for key in ("id", "lang", "version", "carried")}
        assert told == {"id": first["id"], "lang": "ha", "version": 1, "carried": 1.0}
    assert started.http.delete(f"/adapters/{first['id']}").status_code == 204
    shown = started.http.get(f"/adapters/{second['id']}").json()
    assert shown["start"] == second["start"], "what has gone is still named"


def test_on_a_ticket_of_another_drift_the_starter_is_taken_only_when_it_is_asked_for(started: Service) -> None:
    ticket = started.own["id"]  # type: ignore[attr-defined]
    assert started.train("yo", ticket=ticket)["start"] is None
    adapter = started.train("yo", ticket=ticket, start="starter", training={"prompt_length": 5})
    assert (adapter["ticket"], adapter["start"]["nested"]) == (ticket, False)
    assert 0 < adapter["start"]["carried"] < 1


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "method": ({"method": "pt"}, "method 'pt' begins from the pretrained values"),
    "label space": ({"examples": TWO_WAY}, "answers in three_way, and the examples are two_way"),
    "words": (
        {"verbalizer": {"entailment": "yes", "neutral": "all", "contradiction": "no"}},
        "predicts right for entailment, maybe for neutral, wrong for contradiction",
    ),
    "prompt": ({"training": {"prompt_length": 3}}, "the prompt of adapter mul@1 has 5 tokens"),
}


@pytest.mark.parametrize(("request_", "words"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused_when_asked_for_and_else_begins_afresh(
    started: Service, request_: dict[str, Any], words: str
) -> None:
    body = {"lang": "ny", "examples": EXAMPLES, **request_}
    answer = started.http.post("/adapters", json={**body, "start": "starter"})
    (field,) = refused(answer, 422, "invalid_request")["fields"]
    assert (field["path"], words in field["message"]) == ("start", True), field
    accepted = started.http.post("/adapters", json=body)
    assert accepted.status_code == 202, accepted.text
    assert accepted.json()["adapter"]["start"] is None
    started.http.post(f"/jobs/{accepted.json()['job']['id']}/cancel")


def test_a_start_that_cannot_be_had_is_refused_by_what_is_wrong_with_it(started: Service) -> None:
    body = {"lang": "ny", "examples": EXAMPLES, "start": None}
    pending = started.http.post("/adapters", json=body).json()
    for reference, status, code in (
        ("zu", 404, "no_adapter_for_language"),
        ("zu@1", 404, "adapter_not_found"),
        (pending["adapter"]["id"], 409, "not_ready_yet"),
        ("no such language", 422, "invalid_request"),
    ):
        refused(started.http.post("/adapters", json={**body, "start": reference}), status, code)
    started.http.post(f"/jobs/{pending['job']['id']}/cancel")


def test_estimate_and_average_are_said_once(started: Service) -> None:
    body = {"lang": "ny", "examples": EXAMPLES, "average": "seeds", "estimate": "holdout"}
    for name, other in (("average", "none"), ("estimate", "auto")):
        said = {**body, "training": {name: other}}
        assert name in refused(started.http.post("/adapters", json=said), 422, "invalid_request")["detail"]
    adapter = started.train("ny", average="seeds", estimate="holdout", seeds=2)
    assert (adapter["training"]["average"], adapter["training"]["estimate"]) == ("seeds", "holdout")


def test_folds_are_of_a_languages_own_few_pairs(started: Service) -> None:
    body = {"lang": "ny", "examples": EXAMPLES, "start": "starter", "dev_examples": EXAMPLES}
    answer = started.http.post("/adapters", json={**body, "estimate": "cross_fit"})
    assert "there are dev_examples" in refused(answer, 422, "invalid_request")["detail"]
    answer = started.http.post("/adapters", json={**body, "training": {"learning_rate": "auto"}})
    assert refused(answer, 422, "invalid_request")["fields"][0]["path"] == "training.learning_rate"


def upload(service: Service, files: dict[str, Any], **request: Any) -> Any:
    rows = {
        part: (f"{part}.jsonl", "".join(json.dumps(each) + "\n" for each in examples))
        for part, examples in files.items()
    }
    return service.http.post("/adapters", files={"request": (None, json.dumps(request)), **rows})


def test_several_files_are_trained_on_together(started: Service) -> None:
    sources = [{"part": "sw", "lang": "swa", "weight": 2.0}, {"part": "source-es", "lang": "es"}]
    files = {"sw": EXAMPLES, "source-es": EXAMPLES[:9]}
    accepted = upload(started, files, lang="mul", start=None, sources=sources, training=TRAINING)
    assert accepted.status_code == 202, accepted.text
    started.work()
    adapter = started.http.get(f"/adapters/{accepted.json()['adapter']['id']}").json()
    assert adapter["status"] == "ready", started.http.get(accepted.headers["Location"]).text
    assert adapter["examples"]["sources"] == [
        {"lang": "sw", "weight": 2.0, "pairs": 18},
        {"lang": "es", "weight": 1.0, "pairs": 9},
    ]
    assert adapter["examples"]["train"] + adapter["examples"]["dev"] == 27
    assert set(adapter["metrics"]["dev"]["by_language"]) == {"sw", "es"}


def test_with_a_languages_own_pairs_only_these_are_held_out(started: Service) -> None:
    files = {"examples": EXAMPLES, "sw": EXAMPLES}
    sources = [{"part": "sw", "lang": "sw"}]
    for start, judged in ((None, 9), ("starter", 18)):
        accepted = upload(started, files, lang="es", start=start, sources=sources, training=TRAINING)
        assert accepted.status_code == 202, accepted.text
        started.work()
        adapter = started.http.get(f"/adapters/{accepted.json()['adapter']['id']}").json()
        assert adapter["status"] == "ready", started.http.get(accepted.headers["Location"]).text
        assert adapter["examples"]["dev"] == judged
        assert sum(map(sum, adapter["metrics"]["dev"]["confusion"])) == judged, "of its own pairs alone"


def test_sources_and_parts_name_each_other(started: Service) -> None:
    source = {"part": "sw", "lang": "sw"}
    for files, sources, words in (
        ({"sw": EXAMPLES, "es": EXAMPLES}, [source], "es: there is no part of this name here"),
        ({"es": EXAMPLES, "sw": EXAMPLES}, None, "there is no part of this name here"),
        ({"sw": EXAMPLES}, [source, {"part": "es", "lang": "es"}], "sources.1.part: there is no file in a part named"),
        ({"sw": EXAMPLES}, [source, source], "two sources name the part 'sw'"),
        ({"sw": EXAMPLES}, [source, {"part": "es", "lang": "swa"}], "two sources are of language 'sw'"),
        ({"sw": [{"premise": "a", "hypothesis": "b", "label": "z"}]}, [source], "sw: "),
        ({"examples": EXAMPLES}, [{"part": "examples", "lang": "sw"}], "sources.0.part"),
    ):
        request = {"lang": "mul"} if sources is None else {"lang": "mul", "sources": sources}
        assert words in refused(upload(started, files, **request), 422, "invalid_request")["detail"]
