"""Readings as people at the keyboard see them."""

from __future__ import annotations

import re

import pytest
from support.cli_process import ROOT

from app.api.field_names import in_fields
from app.cli.in_options import in_options
from app.cli.reading_table import labels, short_lines
from app.errors import NoAdapterForLanguage
from ltp.text.examples import check

NUMBERED = b"premise,hypothesis,label\nA dog runs.,It rests.,2\nA dog runs.,It moves.,0\nA dog runs.,It is old.,1\n"


def test_before_training_a_row_of_each_number_shows_what_it_was_taken_for() -> None:
    shown = list(short_lines(check(NUMBERED).as_dict()))
    assert "  0 read as entailment: A dog runs. / It moves. (line 3)" in shown
    assert "  2 read as contradiction: A dog runs. / It rests. (line 2)" in shown
    words = NUMBERED.replace(b",2", b",c").replace(b",0", b",e").replace(b",1", b",n")
    assert not any("read as" in line for line in short_lines(check(words).as_dict()))


def test_numbers_stand_in_their_order() -> None:
    assert [written for written, _, _ in labels(check(NUMBERED).as_dict())] == ["0", "1", "2"]


@pytest.mark.parametrize("said", ["--labels e,c,n", "--lang-column lugha with --lang", "--conflicts majority takes"])
def test_what_the_service_says_of_fields_is_said_of_options(said: str) -> None:
    assert "--" not in in_fields(said)
    assert in_options(in_fields(said)) == said


def test_what_the_service_says_of_routes_is_said_of_commands() -> None:
    """Every sentence that an error of the service puts a route or a header into."""
    assert in_options(str(NoAdapterForLanguage("quy"))) == (
        "no adapter is ready for 'quy'; train one: `ltp adapter train`, or name a --fallback"
    )
    assert in_options("send a valid key as `Authorization: Bearer <key>`").startswith("give a valid key with --api-key")
    assert in_options("make one with POST /tickets, or name one") == "make one with `ltp ticket create`, or name one"


def test_no_error_names_a_route_that_the_keyboard_does_not_know() -> None:
    sources = (ROOT / "app").rglob("*.py")
    said = re.compile(r'(?:raise|return|=)[^\n]*"[^"\n]*\b(?:GET|POST|PUT|DELETE) /[a-z][^"\n]*"')
    told = [found[0] for path in sources if "api" not in path.parts for found in said.finditer(path.read_text("utf-8"))]
    assert told
    for sentence in told:
        assert not re.search(r"\b(GET|POST|PUT|DELETE) /[a-z]", in_options(sentence)), sentence
