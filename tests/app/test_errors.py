"""Every error has a status and a code of its own; nothing raised on purpose is a 500."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.errors import AppError, LeaseLost, NoAdapterForLanguage, NotReady, QueueFull, snake_case
from app.http.error_statuses import code_of, status_of
from ltp.errors import BackboneMismatch, LTPError, NonFiniteWeights


def classes(root: type[Exception]) -> Iterator[type[Exception]]:
    for child in root.__subclasses__():
        yield child
        yield from classes(child)


@pytest.mark.parametrize("root", [AppError, LTPError])
def test_what_is_raised_on_purpose_is_never_a_500(root: type[Exception]) -> None:
    found = {child.__name__: status_of(child.__new__(child)) for child in classes(root)}
    assert len(found) > 10
    assert {name: status for name, status in found.items() if status >= 500 and status != 503} == {}


def test_codes_are_the_names() -> None:
    assert snake_case("LTPError") == "ltp_error"
    assert code_of(NoAdapterForLanguage("sw")) == "no_adapter_for_language"
    assert code_of(BackboneMismatch(artefact="a", backbone="b")) == "backbone_mismatch"
    assert code_of(NonFiniteWeights("x")) == "non_finite_weights"
    assert code_of(LeaseLost("x")) == "lease_lost"
    assert code_of(ZeroDivisionError()) == "internal_error"
    assert status_of(ZeroDivisionError()) == 500


def test_what_may_work_later_says_when() -> None:
    assert status_of(QueueFull("full")) == 429
    assert status_of(NotReady("loading", retry_after=5)) == 503
    assert NotReady("loading", retry_after=5).retry_after == 5
