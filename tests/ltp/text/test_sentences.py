"""Long lines cut into windows: at sentences' ends, else at blanks, with nothing lost and no more tokens than fit."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltp.text.sentences import LONG_RUN, windows


def words(texts: Sequence[str]) -> list[int]:
    """A word is a token, and a longer one as many as it takes."""
    return [sum(1 + len(word) // 16 for word in text.split()) for text in texts]


def characters(texts: Sequence[str]) -> list[int]:
    return [len(text) for text in texts]


def cut(line: str, room: int) -> list[str]:
    return list(windows(line, room=room, count=words))


def test_whole_sentences_are_kept_together_as_many_as_fit() -> None:
    assert cut("One two. Three four! Five six? Seven.", 4) == ["One two. Three four!", "Five six? Seven."]
    assert cut("One two. Three four.", 100) == ["One two. Three four."]


def test_a_sentence_that_is_too_long_is_cut_at_blanks() -> None:
    assert cut("a b c d e. f g", 2) == ["a b", "c d", "e.", "f g"]


@pytest.mark.parametrize(
    ("line", "room", "pieces"),
    [
        ("他来了。她走了！我呢？", 4, ["他来了。", "她走了！", "我呢？"]),
        ("वह आया। वह गया।", 8, ["वह आया।", "वह गया।"]),
        ("ሰላም ነው። ደህና ነው።", 9, ["ሰላም ነው።", "ደህና ነው።"]),
        ('He said "go." She went.', 13, ['He said "go."', "She went."]),
        ("3.5 or 4.5 e.g. x", 10, ["3.5 or 4.5", "e.g. x"]),
        ("Ի՞նչ է սա։ Գիրք։", 10, ["Ի՞նչ է սա։", "Գիրք։"]),
    ],
)
def test_every_script_ends_its_sentences_its_own_way(line: str, room: int, pieces: list[str]) -> None:
    assert list(windows(line, room=room, count=characters)) == pieces


def test_a_run_without_blanks_comes_out_too_long_in_bounded_pieces() -> None:
    assert cut("a " + "x" * 100 + " b", 4) == ["a", "x" * 100, "b"]
    pieces = cut("x" * (LONG_RUN * 4 * 3 + 5), 4)
    assert [len(piece) for piece in pieces] == [LONG_RUN * 4] * 3 + [5]


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from('ab。.?!"  \n\u3000,:'), max_size=300), st.integers(1, 30))
def test_nothing_but_blanks_is_lost_and_every_window_fits(line: str, room: int) -> None:
    pieces = list(windows(line, room=room, count=words))
    assert "".join("".join(pieces).split()) == "".join(line.split())
    for piece in pieces:
        assert piece == piece.strip() != ""
        assert words([piece])[0] <= room or len(piece.split()) == 1
