"""The paper's figures: all of them, where they stand, and averages that agree with the printed ones but for two."""

from __future__ import annotations

import pytest

from ltp.errors import InvalidExperiment
from ltp.reproduce.report import paper

METHODS = ["ft", "dp", "sp", "mp", "ltp@20", "ltp@75"]
WRONG = {("table1", 32, "ltp@20"): 41.16, ("table2-english", 64, "ltp@75"): 40.39}
"""Averages the paper prints that are not the mean of the figures beside them, and that mean."""


def test_each_table_has_its_rows() -> None:
    table1 = paper.table("table1")

    assert set(table1.figures) == {(shots, method) for shots in (1, 2, 4, 8, 16, 32) for method in METHODS}
    assert len(table1.languages) == 15
    assert set(paper.table("table2-english").figures) == {(32, "sp"), (64, "sp"), (32, "ltp@75"), (64, "ltp@75")}
    assert set(paper.table("table2-in-language").figures) == {(32, "sp"), (32, "ltp@20"), (32, "ltp@75")}
    assert len(paper.table("table3").figures) == 12


def test_figures_that_the_text_quotes() -> None:
    table = paper.table("table1")

    assert [table.figure(2, method, "sw") for method in ("sp", "ltp@20")] == [34.35, 36.49]
    assert [table.figure(2, method, "ur") for method in ("sp", "ltp@20")] == [35.52, 36.99]
    assert [paper.embeddings_share(key) for key in ("ltp@20:tied", "ltp@20", "ltp@5")] == [69, 39, None]
    assert paper.table("table2-reference").averages == {(None, "ft"): 38.48}


@pytest.mark.parametrize("name", ["table1", "table2-english", "table2-in-language", "table2-reference", "table3"])
def test_a_printed_average_is_the_mean_of_its_row(name: str) -> None:
    table = paper.table(name)
    for (shots, method), printed in table.averages.items():
        mean = table.average(shots, method, table.languages)
        assert mean == pytest.approx(WRONG.get((name, shots, method), printed), abs=0.006)


def test_an_average_covers_the_languages_asked_for_or_is_none() -> None:
    table = paper.table("table1")

    assert table.average(1, "ft", ["en", "zh"]) == pytest.approx((32.91 + 32.77) / 2)
    assert table.average(1, "ft", ["en", "quy"]) is None
    assert table.average(64, "ft", ["en"]) is None
    assert table.figure(1, "pt", "en") is None
    with pytest.raises(InvalidExperiment, match="no table 'table4'"):
        paper.table("table4")
