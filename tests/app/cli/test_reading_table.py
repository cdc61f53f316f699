"""Readings as people at the keyboard see them."""

from __future__ import annotations

import pytest

from app.api.field_names import in_fields
from app.cli.in_options import in_options
from app.cli.reading_table import labels, short_lines
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
