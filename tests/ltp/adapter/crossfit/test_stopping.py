"""When training stops, and which epoch is used."""

from math import inf

import pytest

from ltp.adapter.crossfit.stopping import best_epoch, is_over, patience_of


def test_patience_is_a_sixth_of_the_epochs_and_two_at_least() -> None:
    assert [patience_of(epochs) for epochs in (1, 8, 17, 18, 70)] == [2, 2, 2, 3, 11]


def test_the_best_epoch_is_the_first_with_the_lowest_loss_and_never_the_start() -> None:
    assert best_epoch([0.1, 0.9, 0.5, 0.5]) == 2
    assert best_epoch([inf, 0.9]) == 1


@pytest.mark.parametrize(
    ("losses", "over"),
    [
        ([1.0, 0.9, 0.95], False),
        ([1.0, 0.9, 0.95, 0.91], True),
        ([1.0, 0.9, 0.95, 0.89], False),
        ([1.0, 1.1], False),
        ([1.0, 1.1, 1.05], True),
        ([inf, 1.1, 1.2], False),
        ([1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3], False),
        ([1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2], True),
    ],
)
def test_it_stops_after_two_epochs_without_a_lower_loss_or_at_the_last(losses: list[float], over: bool) -> None:
    assert is_over(losses, epochs=8) is over
