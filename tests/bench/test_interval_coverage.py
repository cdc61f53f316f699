"""The simulation of intervals runs the product's rules, and repeats itself."""

from dataclasses import replace

from bench.interval_coverage import SETTINGS, Setting, coverage_of

FEW = 12


def test_intervals_of_made_up_languages_mostly_hold() -> None:
    found = coverage_of(replace(SETTINGS[1], rates=(1 / 3, 3.0)), FEW)
    assert 0.7 < found.coverage <= 1
    assert 0.4 < found.true < 0.8
    assert 0 < found.width < 0.3
    assert 0 < found.optimism < 0.05
    assert 0 <= found.step <= 1


def test_the_same_draws_give_the_same_figures() -> None:
    setting = Setting("a few", 8, label_space="two_way", single=True, start=False)
    assert coverage_of(setting, 3) == coverage_of(setting, 3)
