"""The built console is that of the sources beside it, speaks every language wholly, and knows the API of this tree."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import get_args

import pytest
from support import console_api, console_build
from support.console_build import CONSOLE, RECORD, ROOT, STATIC, TYPES

from app.api.schemas.errors import FaultReason
from app.api.schemas.jobs import JobStatus, ResourceStatus
from app.errors import AppError
from app.http.error_statuses import STATUS, code_of, status_of
from app.jobs.queue import KINDS
from ltp.config import LABELS
from ltp.errors import LTPError
from ltp.text.examples import read
from ltp.text.examples.reading import Why

LOCALES = CONSOLE / "src" / "locales"
LANGUAGES = ("en", "es", "pt", "fr")
PLACEHOLDER = re.compile(r"\{\w+\}")
CHANGING = {"post", "put", "delete"}
NOTHING_KEPT = {"estimate_training", "suggest_pairs", "check_data", "predict"}
"""What is asked by POST and changes nothing."""
AGAIN = "run `make console` and commit what it writes"


def catalogue(language: str) -> dict[str, str]:
    words: dict[str, str] = json.loads((LOCALES / f"{language}.json").read_text("utf-8"))
    return words


def test_the_built_files_are_of_these_sources() -> None:
    assert json.loads(RECORD.read_text("utf-8")) == console_build.record(), AGAIN


def test_a_changed_source_and_a_changed_built_file_are_noticed(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("node_modules")
    console = Path(shutil.copytree(CONSOLE, tmp_path / "console", ignore=ignored))
    static = Path(shutil.copytree(STATIC, tmp_path / "static"))
    before = console_build.record(console, static)
    (console / "src" / "main.tsx").write_text("", encoding="utf-8")
    assert console_build.record(console, static)["sources"] != before["sources"]
    (static / "index.html").write_text("", encoding="utf-8")
    assert console_build.record(console, static)["files"] != before["files"]
    (console / TYPES).write_text("", encoding="utf-8")
    assert console_build.record(console, static) == console_build.record(console, static)


def test_the_types_are_of_this_api() -> None:
    first, _, _ = (CONSOLE / TYPES).read_text("utf-8").partition("\n")
    assert first == console_api.mark(console_api.document()), f"the API has another shape than console/{TYPES}: {AGAIN}"


def test_what_the_api_says_in_words_may_change_without_its_types() -> None:
    said = {"description": "A.", "properties": {"description": {"type": "string", "description": "B."}}}
    assert console_api.shape(said) == {"properties": {"description": {"type": "string"}}}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_complete(language: str) -> None:
    english, words = catalogue("en"), catalogue(language)
    assert sorted(words) == sorted(english)
    assert not [key for key, value in words.items() if not value.strip()]
    for key, value in words.items():
        assert sorted(set(PLACEHOLDER.findall(value))) == sorted(set(PLACEHOLDER.findall(english[key]))), key


def test_there_is_no_other_catalogue_and_no_source_without_its_words() -> None:
    assert sorted(path.stem for path in LOCALES.iterdir()) == sorted(LANGUAGES)
    english = catalogue("en")
    said = {
        key
        for path in (CONSOLE / "src").rglob("*.ts*")
        for key in re.findall(r"""\bt\("([^"$]+)"[,)]""", path.read_text("utf-8"))
    }
    assert "nav.start" in said
    assert said <= set(english)


def test_whatever_a_job_is_told_to_be_at_has_its_words() -> None:
    jobs_work = [ROOT / "worker", *(ROOT / "ltp" / name for name in ("adapter", "backbone", "drift"))]
    code = "".join(path.read_text("utf-8") for folder in jobs_work for path in folder.rglob("*.py"))
    phases = set(re.findall(r"""Progress\("([^"]+)"|phase: str = "([^"]+)\"""", code))
    told = {f"phase.{one or other}" for one, other in phases}
    assert len(told) > 8
    told |= {f"job.{kind}" for kind in KINDS}
    told |= {f"status.{status}" for status in (*get_args(JobStatus), *get_args(ResourceStatus))}
    assert told <= set(catalogue("en"))


OWN = {"details", "job", "page_fault", "request", "unreachable", "unreadable"}
"""What the page says of itself."""
JOBS = {"crashed", "out_of_memory", "storage_full", "worker_lost"}
"""Why jobs fail, besides errors of ours; who looks for others reads `error.job`."""


def codes() -> dict[str, int]:
    """Every code the API can answer with its status."""
    kinds, found = [AppError, LTPError], {"internal_error": 500}
    while kinds:
        kinds += (kind := kinds.pop()).__subclasses__()
        error = kind.__new__(kind)
        found[code_of(error)] = status_of(error)
    return found


def test_every_refusal_has_a_sentence_of_its_own_or_of_its_status() -> None:
    words = {key.removeprefix("error.") for key in catalogue("en") if key.startswith("error.")}
    known = codes()
    assert len(known) > 80
    assert [f"{code} ({status})" for code, status in known.items() if not {code, str(status)} & words] == []
    assert words - OWN - JOBS - set(known) == {str(status) for status in {*STATUS.values(), 500} - {401}}


def test_every_fault_has_a_sentence() -> None:
    reasons = {f"fault.{name}" for kind in get_args(FaultReason) for name in get_args(kind) or (kind,)}
    assert len(reasons) > 15
    faults = {key for key in catalogue("en") if key.startswith("fault.")}
    assert faults - {"fault.line", "fault.meant", "fault.unnamed"} == reasons


def test_whatever_the_audit_trail_and_a_reading_say_by_code_has_its_words() -> None:
    paths: dict[str, dict[str, dict[str, str]]] = console_api.document()["paths"]
    changes = {each["operationId"] for path in paths.values() for verb, each in path.items() if verb in CHANGING}
    told = {f"audit_action.{action}" for action in changes - NOTHING_KEPT} | {
        f"left_out.{why}" for why in get_args(Why)
    }
    assert len(told) > 20
    assert told <= set(catalogue("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_example_of_a_file_would_be_read_as_it_is_meant(language: str) -> None:
    words = catalogue(language)
    head = ",".join(words[f"first.column.{role}"] for role in ("premise", "hypothesis", "label"))
    rows = [f"Mtoto anasoma.,Mtoto {label}.,{words[f'first.label.{label}']}" for label in LABELS]
    examples, reading = read("\n".join([head, *rows]).encode())
    assert [example.label for example in examples] == list(LABELS)
    assert reading.warnings == []


def test_every_plural_has_both_forms() -> None:
    english = catalogue("en")
    ones = {key.removesuffix(".one") for key in english if key.endswith(".one")}
    assert ones == {key.removesuffix(".other") for key in english if key.endswith(".other")}
