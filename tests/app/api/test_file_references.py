"""Rows of a file that name their own adapter: looked up when the file is accepted, the same to the end, and held."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.running_service import Service, refused, running, settings_for

from app.api.ingest import MOST_REFERENCES

pytestmark = pytest.mark.process

PAIR = ("the dog runs in the field", "the dog is red")


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> Iterator[Service]:
    """Two versions of `ig`, the first in production, and one of `yo`."""
    directory = tmp_path_factory.mktemp("references") / "data"
    with running(settings_for(directory, migrated_sqlite, tiny_backbone_dir)) as started:
        started.wait_ready()
        started.train("ig", method="pt", alias="production", training={"seed": 1})
        started.train("ig", method="pt", training={"seed": 2, "epochs": 2})
        started.train("yo", method="pt", training={"seed": 3})
        yield started


def send(service: Service, rows: list[dict[str, str]], **request: Any) -> Any:
    """Have a file judged; one row for each of `rows`, which give `lang`, `adapter` or nothing."""
    lines = [json.dumps({"premise": PAIR[0], "hypothesis": PAIR[1], **row}) for row in rows]
    files = {"file": ("rows.jsonl", "\n".join(lines)), "request": (None, json.dumps({"lang": "ig", **request}))}
    return service.http.post("/predictions", files=files)


def point(service: Service, version: int) -> None:
    answer = service.http.put("/languages/ig/aliases/production", json={"version": version})
    assert answer.status_code == 200, answer.text


def judged(service: Service, url: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What becomes of an accepted file: its description, and its rows."""
    service.work()
    done: dict[str, Any] = service.http.get(url).json()
    assert done["status"] == "ready", done
    return done, [json.loads(line) for line in service.http.get(f"{url}/result").text.splitlines()]


def test_one_reference_is_one_adapter_whatever_the_alias_does_meanwhile(service: Service) -> None:
    point(service, 1)
    accepted = send(service, [{"lang": "ig"}, {}, {"adapter": "ig@production"}, {"adapter": "ig@2"}, {"lang": "yo"}])
    assert accepted.status_code == 202, accepted.text
    point(service, 2)
    try:
        done, rows = judged(service, f"/predictions/{accepted.json()['prediction']['id']}")
    finally:
        point(service, 1)
    first, second, third, fourth, _ = (tuple(row[label] for label in ("entailment", "neutral")) for row in rows)
    assert first == second == third != fourth
    assert done["adapter"]["version"] == 1
    named = {
        each["reference"]: (each["adapter"]["lang"], each["adapter"]["version"], each["rows"])
        for each in done["adapters"]
    }
    assert named == {"ig": ("ig", 1, 2), "ig@production": ("ig", 1, 1), "ig@2": ("ig", 2, 1), "yo": ("yo", 1, 1)}


def test_an_adapter_that_a_row_names_cannot_be_deleted_before_the_file_is_judged(service: Service) -> None:
    adapter = service.train("ha", method="pt")
    accepted = send(service, [{"lang": "ha"}, {}])
    url = f"/predictions/{accepted.json()['prediction']['id']}"
    refused(service.http.delete(f"/adapters/{adapter['id']}"), 409, "in_use")
    done, rows = judged(service, url)
    assert len(rows) == 2
    assert service.http.delete(f"/adapters/{adapter['id']}").status_code == 204
    assert service.http.get(url).json()["adapters"] == done["adapters"], "who judged is told afterwards, too"


@pytest.mark.parametrize(
    ("row", "status", "code", "words"),
    [
        ({"lang": "fr"}, 404, "no_adapter_for_language", "line 2"),
        ({"adapter": "ig@9"}, 404, "adapter_not_found", "line 2"),
        ({"adapter": "0199f3b0-15aa-7b0c-8f43-5a1f0c9d7e22"}, 404, "adapter_not_found", "line 2"),
        ({"adapter": "ig@"}, 422, "invalid_reference", "line 2"),
        ({"lang": "no such language"}, 422, "invalid_reference", "line 2"),
        ({"adapter": "sw@" + "9" * 5000}, 422, "invalid_request", "line 2, column"),
    ],
)
def test_what_a_row_names_is_looked_up_when_the_file_is_accepted(
    service: Service, row: dict[str, str], status: int, code: str, words: str
) -> None:
    body = refused(send(service, [{"lang": "ig"}, row]), status, code)
    assert words in body["detail"]


def test_a_fallback_stands_in_for_the_languages_of_rows_too(service: Service) -> None:
    accepted = send(service, [{"lang": "fr"}, {}], fallback="yo")
    done, _ = judged(service, f"/predictions/{accepted.json()['prediction']['id']}")
    named = {each["reference"]: (each["adapter"]["lang"], each["fallback"]) for each in done["adapters"]}
    assert named == {"fr": ("yo", True), "ig": ("ig", False)}
    assert done["summary"]["fallback"] == 1


def test_a_file_names_as_many_adapters_as_may_be(service: Service) -> None:
    """Each of the spellings is a reference of its own."""
    spellings = [f"{lang}@{'0' * zeros}{version}" for lang in ("ig", "IG") for zeros in range(30) for version in (1, 2)]
    accepted = send(service, [{"adapter": spelling} for spelling in spellings])
    assert accepted.status_code == 202, accepted.text
    done, _ = judged(service, f"/predictions/{accepted.json()['prediction']['id']}")
    assert len(done["adapters"]) == len(spellings) + 1
    assert "adapters" not in service.http.get("/predictions").json()["items"][0], "a page of files stays small"
    too_many = [{"lang": f"en-x-{number:05}"} for number in range(MOST_REFERENCES + 1)]
    body = refused(send(service, too_many), 422, "invalid_request")
    assert f"line {MOST_REFERENCES + 1}" in body["detail"]
    assert "split the file" in body["detail"]


def test_a_result_can_be_sent_again(service: Service) -> None:
    rows = "premise,hypothesis,lang\n" + f"{PAIR[0]},{PAIR[1]},yo\n"
    files = {"file": ("rows.csv", rows), "request": (None, '{"lang": "ig"}')}
    for _ in range(2):
        accepted = service.http.post("/predictions", files=files)
        url = f"/predictions/{accepted.json()['prediction']['id']}"
        service.work()
        result = service.http.get(f"{url}/result").text
        (row,) = csv.DictReader(io.StringIO(result))
        assert row["lang"] == "yo"
        files["file"] = ("rows.csv", result)
