"""What a file would be read as: shown in full, refused with the way out, and never kept."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from support.running_service import Service, refused, running, settings_for
from support.service_with_keys import UNLIMITED, holding

from app.storage.models import BlobRow, DatasetRow, JobRow

pytestmark = pytest.mark.process

LABELLED = """premise,hypothesis,label
the dog runs,the dog is in the field,entailment
the dog runs,the dog is red,neutral
the dog runs,the dog is sleeping,contradiction
the cat eats,the cat is red,neutral
the cat eats,the cat is red,contradiction
the cat eats,the cat runs,-
"""
ENTAILED = {"label": "entailment", "rows": 1}


def check(service: Service | httpx.Client, content: str | bytes, name: str = "pairs.csv", **request: Any) -> Any:
    client = service.http if isinstance(service, Service) else service
    asked = {"task": "train", **request}
    return client.post("/data/check", files={"file": (name, content), "request": (None, json.dumps(asked))})


def reading(service: Service, content: str | bytes, name: str = "pairs.csv", **request: Any) -> dict[str, Any]:
    response = check(service, content, name, **request)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def archive(**files: str) -> bytes:
    """A zip archive with these files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return packed.getvalue()


def kept(service: Service) -> tuple[int, ...]:
    """Rows of everything that an upload could leave, and files on the spool."""
    with service.app.state.db.read() as session:
        rows = [session.scalar(select(func.count()).select_from(table)) or 0 for table in (BlobRow, DatasetRow, JobRow)]
    spool = service.settings.spool
    return (*rows, len([*spool.iterdir()]) if spool.is_dir() else 0)


def test_a_reading_says_what_was_understood(shared: Service) -> None:
    shared.wait_ready()
    told = reading(shared, LABELLED)
    assert (told["format"], told["encoding"]) == ("csv", "utf-8")
    names = {part: told["columns"][part] for part in ("premise", "hypothesis", "label")}
    assert names == {part: part for part in names}
    assert set(names) <= set(told["names"])
    assert 4 < told["tokens"] < 40
    assert told["labels"]["entailment"] == ENTAILED
    assert (told["rows"], told["read"]) == (6, 3)
    assert sum(each["rows"] for each in told["left_out"]) == 3
    assert {each["first_line"] for each in told["left_out"]} == {5, 7}
    assert (told["conflicts"], told["label_space"]) == (1, "three_way")
    assert told["truncated"] == 0
    assert told["unknown"]["tokens_share"] == 0
    assert told["warnings"]
    assert told["sample"][0]["premise"] == "the dog runs"


def test_what_is_cut_and_what_the_vocabulary_lacks_is_counted(shared: Service) -> None:
    shared.wait_ready()
    long = "the dog runs in the field " * 100
    told = reading(shared, f"premise,hypothesis\n{long},the dog\nthe dog runs,ᱥᱟᱱᱛᱟᱲ the dog\n", task="predict")
    assert told["truncated"] == 1
    assert told["unknown"]["texts_share"] == pytest.approx(0.25)
    assert set(told["unknown"]["characters"]) & set("ᱥᱟᱱᱛᱟᱲ")
    assert told["labels"] == {}


def test_a_corpus_is_looked_at_as_one(shared: Service) -> None:
    shared.wait_ready()
    told = reading(shared, "the dog runs\n\nthe cat eats\n" + "the dog runs " * 400, "corpus.txt", task="corpus")
    assert (told["format"], told["encoding"], told["rows"], told["truncated"]) == ("text", "utf-8", 3, 0)
    assert told["unknown"]["tokens_share"] == 0
    assert any("33.3 % of the lines" in note and "split" in note for note in told["notes"])
    body = refused(check(shared, b"a line\nan\xff other\n", "corpus.txt", task="corpus"), 422, "invalid_request")
    assert "line 2, column 3" in body["detail"]


def test_options_say_otherwise(shared: Service) -> None:
    content = "a,b,c\nthe dog runs,the dog,ja\nthe dog runs,the dog is red,vielleicht\n"
    columns = {"premise": "a", "hypothesis": "b", "label": "c"}
    labels = {"ja": "entailment", "vielleicht": "neutral"}
    told = reading(shared, content, columns=columns, labels=labels, task="evaluate")
    assert {part: told["columns"][part] for part in columns} == columns
    assert told["labels"] == {"ja": ENTAILED, "vielleicht": {"label": "neutral", "rows": 1}}
    numbered = content.replace("ja", "0").replace("vielleicht", "1")
    told = reading(shared, numbered, columns=columns, labels="c,e,n", task="evaluate")
    assert told["labels"]["0"]["label"] == "contradiction"


def test_a_refusal_names_the_line_and_the_field_that_is_the_way_out(shared: Service) -> None:
    content = "premise,hypothesis,label\nthe dog runs,the dog,blorp\n"
    body = refused(check(shared, content), 422, "invalid_request")
    assert body["fields"][0]["path"] == "file"
    assert "line 2" in body["detail"]
    assert "labels" in body["detail"]
    assert "--" not in body["detail"]


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (LABELLED + "a,b,blorp\nc,d,perhaps\n", "a.csv", ("unknown_labels", ["blorp", "perhaps"], 8)),
        (LABELLED + "a,b,3\n", "a.csv", ("unknown_labels", ["3"], 8)),
        (b"premise,hypothesis,label\na\x90b,c,entailment\n", "a.csv", ("not_utf8", None, 2)),
        ("", "a.csv", ("no_rows", None, None)),
        ("premise,hypothesis,label\n", "a.csv", ("no_rows", None, None)),
        ("premise,hypothesis\na,b\n", "a.csv", ("no_label_column", None, 1)),
        ("premise,hypothesis,label\na,b,\n", "a.csv", ("no_labels", None, 2)),
        ("una,otra,juicio\na,b,sigue\n", "a.csv", ("no_text_columns", None, 1)),
        ("premise,hypothesis,label\na,,neutral\n", "a.csv", ("blank_text", None, 2)),
        ("%PDF-1.7\n", "a.pdf", ("not_a_table", None, 1)),
        (archive(a="x", b="y"), "a.zip", ("several_files", ["a", "b"], None)),
    ],
)
def test_a_program_is_told_what_is_wrong_with_a_file(
    shared: Service, content: str | bytes, name: str, told: tuple[str, list[str] | None, int | None]
) -> None:
    (fault,) = refused(check(shared, content, name), 422, "invalid_request")["fields"]
    assert (fault["reason"], fault.get("values"), fault.get("line")) == told


def test_a_program_is_told_which_language_a_name_may_mean(shared: Service) -> None:
    for lang, values in (("quechua", ["qu"]), ("no language", None)):
        (fault,) = refused(check(shared, LABELLED, lang=lang), 422, "invalid_request")["fields"]
        assert (fault["path"], fault["reason"], fault.get("values")) == ("lang", "unknown_language", values)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [({"columns": {"premise": ""}}, "blank"), ({"lang": "x" * 40}, "too_long"), ({"task": "guess"}, None)],
)
def test_a_program_is_told_what_is_wrong_with_a_field(
    shared: Service, asked: dict[str, Any], reason: str | None
) -> None:
    (fault,) = refused(check(shared, LABELLED, **asked), 422, "invalid_request")["fields"]
    assert fault.get("reason") == reason


def test_several_languages_are_refused_with_their_counts_or_one_is_read(shared: Service) -> None:
    content = "language\tpremise\thypothesis\tlabel\n" + "".join(
        f"{lang}\tthe dog runs {number}\tthe dog\t{label}\n"
        for number, (lang, label) in enumerate([("quy", "entailment"), ("quy", "neutral"), ("aym", "contradiction")])
    )
    body = refused(check(shared, content, "many.tsv", task="evaluate"), 422, "invalid_request")
    assert "quy" in body["detail"]
    assert "lang_column" in body["detail"]
    told = reading(shared, content, "many.tsv", task="evaluate", lang="quy", lang_column="language")
    assert (told["rows"], told["read"]) == (3, 2)
    assert told["languages"] == {"quy": 2, "aym": 1}


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"task": "guess"}, "task"),
        ({"labels": "x,y,z"}, "labels"),
        ({"labels": {"0": "perhaps"}}, "labels.0"),
        ({"columns": {"premises": "a"}}, "columns.premises"),
        ({"conflicts": "toss"}, "conflicts"),
        ({"lang": "no such language"}, "lang"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_field(shared: Service, asked: dict[str, Any], path: str) -> None:
    body = refused(check(shared, LABELLED, **asked), 422, "invalid_request")
    assert path in {field["path"] for field in body["fields"]}


def test_nothing_is_kept_of_what_is_read_and_of_what_is_refused(shared: Service) -> None:
    before = kept(shared)
    reading(shared, LABELLED)
    for content in (b"", b"\xff\xfe", b"premise,hypothesis\nA.,\n", b"PK\x03\x04 no table", b"\x1f\x8bbroken"):
        refused(check(shared, content), 422, "invalid_request")
    assert kept(shared) == before


@pytest.fixture
def guarded(tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[Service]:
    """A service that asks for keys, and keeps a megabyte for each tenant."""
    settings = settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, **UNLIMITED, max_stored_mb=1)
    with running(settings) as service:
        yield service


def test_who_may_send_files_may_have_them_looked_at_within_the_same_limits(guarded: Service) -> None:
    for scope, status in (("read", 403), ("predict", 200), ("train", 200)):
        with holding(guarded, scope) as client:
            assert check(client, LABELLED).status_code == status
    with holding(guarded, "train", tenant="other") as client:
        refused(check(client, "a text\n" * 200_000), 409, "quota_exceeded")
        refused(client.post("/data/check", json={"task": "train"}), 415, "unsupported_media_type")
        refused(client.post("/data/check", files={"request": (None, '{"task": "train"}')}), 422, "invalid_request")
