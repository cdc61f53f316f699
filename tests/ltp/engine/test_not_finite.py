"""An answer that is not finite is none: the adapter is named, and whoever is in the same batch answers as alone."""

from collections.abc import Hashable

import pytest
from support.overflowing import WORD, overflowing, overflowing_at_a_word, sound

from ltp.adapter.artefact import Adapter
from ltp.backbone.load import Backbone
from ltp.engine.engine import MOST_UNUSABLE, Engine
from ltp.engine.pairs import PairRequest
from ltp.errors import AdapterNotUsable

FINE, FATAL = ("the cat runs", "a cat"), (f"the {WORD} runs", "a cat")


@pytest.fixture
def engine(tiny_backbone: Backbone) -> Engine:
    made = {"bad": overflowing(tiny_backbone), "at a word": overflowing_at_a_word(tiny_backbone)}

    def source(key: Hashable) -> tuple[Adapter, None]:
        return made.get(str(key)) or sound(tiny_backbone, seed=len(str(key))), None

    return Engine(tiny_backbone, source=source)


def test_a_mixed_batch_names_who_is_unusable_and_the_others_answer_as_alone(engine: Engine) -> None:
    good = [PairRequest(key, *FATAL) for key in ("a", "bb", "ccc")]
    alone = engine.predict(good)
    with pytest.raises(AdapterNotUsable) as raised:
        engine.predict([*good, PairRequest("bad", *FINE), PairRequest("at a word", *FATAL)])
    assert raised.value.keys == {"bad", "at a word"}
    assert engine.predict(good) == alone


def test_an_adapter_that_failed_once_is_not_asked_again_until_it_is_dropped(engine: Engine) -> None:
    fine = PairRequest("at a word", *FINE)
    first = engine.predict([fine])
    with pytest.raises(AdapterNotUsable):
        engine.predict([PairRequest("at a word", *FATAL)])
    assert not engine.holds("at a word")
    with pytest.raises(AdapterNotUsable):
        engine.predict([fine])
    assert not engine.holds("at a word"), "it is refused before it is fetched"
    engine.drop("at a word")
    assert engine.predict([fine]) == first


def test_what_is_remembered_of_unusable_adapters_is_bounded(tiny_backbone: Backbone) -> None:
    bad = overflowing(tiny_backbone)
    engine = Engine(tiny_backbone, source=lambda _: (bad, None))
    many = [PairRequest(number, *FINE) for number in range(MOST_UNUSABLE + 5)]
    with pytest.raises(AdapterNotUsable):
        engine.predict(many)
    assert len(engine._unusable) == MOST_UNUSABLE
