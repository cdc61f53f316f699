"""Few pairs are cross-fitted, many held out, and what is asked for holds."""

import pytest
from support.synthetic import pairs

from ltp.adapter.crossfit.estimate import estimate_of
from ltp.config import AdapterConfig
from ltp.errors import InvalidConfig, TooFewExamples


def test_few_pairs_are_cross_fitted_and_many_held_out() -> None:
    auto = AdapterConfig(estimate="auto")
    assert estimate_of(auto, pairs(96, seed=0), dev=False) == "cross_fit"
    assert estimate_of(auto, pairs(300, seed=0), dev=False) == "holdout"
    assert estimate_of(auto, pairs(96, seed=0), dev=True) == "holdout"
    assert estimate_of(auto, pairs(3, seed=0), dev=False) == "holdout", "no premise can be spared"
    assert estimate_of(AdapterConfig(), pairs(96, seed=0), dev=False) == "holdout", "the paper's way"


def test_what_is_asked_for_holds_or_is_refused() -> None:
    asked = AdapterConfig(estimate="cross_fit")
    assert estimate_of(asked, pairs(900, seed=0), dev=False) == "cross_fit"
    with pytest.raises(TooFewExamples):
        estimate_of(asked, pairs(3, seed=0), dev=False)
    with pytest.raises(InvalidConfig, match="development examples were given"):
        estimate_of(asked, pairs(96, seed=0), dev=True)
