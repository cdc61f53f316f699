"""What to try next: nothing that there is not, and nothing that was done."""

import pytest

from ltp.advice import Situation, next_steps


def test_training_begins_from_the_starter_where_there_is_one_and_else_from_another_adapter() -> None:
    (with_one, *_), (without, *_) = (next_steps(Situation("sw", starter=there)) for there in (True, False))
    assert with_one.endswith("ltp adapter train FILE --lang sw --start starter")
    assert "starter" not in without
    assert without.endswith("ltp adapter train FILE --lang sw --start OTHER")


@pytest.mark.parametrize(
    ("done", "words"),
    [
        ({"started": True}, "--start"),
        ({"pairs": 300}, "label more pairs"),
        ({"has_text": True}, "ltp language adapt"),
        ({"unknown": 0.05}, "vocabulary lacks"),
    ],
)
def test_what_was_done_is_not_advised(done: dict[str, float], words: str) -> None:
    open_steps = {"pairs": 299, "unknown": 0.06}
    before, after = (next_steps(Situation("sw", **{**open_steps, **more})) for more in ({}, done))
    assert [step for step in before if words in step] == [step for step in before if step not in after]
    assert len(after) == len(before) - 1
    assert "299 were trained on" in next_steps(Situation("sw", pairs=299))[2]
