"""Samples: the same for the same seed, balanced, without a premise on both sides, and alike in every language."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from support.benchmarks import write_americasnli, write_xnli

from ltp.errors import TooFewExamples
from ltp.reproduce.data.draw import ALL, SamplePool
from ltp.reproduce.data.suite import Suite
from ltp.text.examples import shared_premises


@pytest.mark.parametrize("shots", [1, 4, 12])
def test_a_sample_is_balanced_and_shares_no_premise(data: Path, shots: int) -> None:
    suite = Suite(data, "xnli")
    pool = SamplePool(suite, ["en"])

    drawn = pool.draw("en", shots=shots, seed=3)
    train, dev = drawn.examples(suite.file("dev", "en"))

    assert set(Counter(example.label for example in train).values()) == {shots}
    assert set(Counter(example.label for example in dev).values()) == {shots}
    assert not shared_premises(train, dev)
    assert pool.draw("en", shots=shots, seed=3).sha256 == drawn.sha256
    assert pool.draw("en", shots=shots, seed=4).sha256 != drawn.sha256


def test_more_shots_of_a_seed_hold_the_fewer(data: Path) -> None:
    pool = SamplePool(Suite(data, "xnli"), ["en"])
    few, many = (pool.draw("en", shots=shots, seed=0) for shots in (2, 8))

    assert set(few.train) < set(many.train)
    assert set(few.dev) < set(many.dev)


def test_parallel_languages_get_the_same_rows(data: Path) -> None:
    pool = SamplePool(Suite(data, "xnli"), ["es", "sw"])
    drawn = [pool.draw(language, shots=4, seed=0) for language in ("es", "sw")]

    assert drawn[0].train == drawn[1].train
    assert drawn[0].dev == drawn[1].dev


def test_premises_that_one_language_words_alike_stay_together(tmp_path: Path) -> None:
    folder = write_xnli(tmp_path / "xnli", dev=("en", "ur"), premises=4)
    path = folder / "dev-ur.tsv"
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows[:9]:
        row[0] = "one premise for three"
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    suite = Suite(tmp_path, "xnli")

    for seed in range(20):
        drawn = SamplePool(suite, ["en", "ur"]).draw("en", shots=1, seed=seed)
        assert not shared_premises(*drawn.examples(suite.file("dev", "ur")))
        assert not shared_premises(*drawn.examples(suite.file("dev", "en")))


def test_a_file_with_too_few_is_named(tmp_path: Path) -> None:
    write_americasnli(tmp_path / "americasnli")

    with pytest.raises(TooFewExamples, match=r"americasnli/dev/oto.tsv, seed 0: 5 shots need 5"):
        SamplePool(Suite(tmp_path, "americasnli"), ["oto"]).draw("oto", shots=5, seed=0)


def test_all_deals_out_every_row_half_of_the_premises_on_each_side(data: Path) -> None:
    suite = Suite(data, "americasnli")
    drawn = SamplePool(suite, ["quy"]).draw("quy", shots=ALL, seed=2)
    train, dev = drawn.examples(suite.file("dev", "quy"))

    assert sorted((*drawn.train, *drawn.dev)) == sorted(suite.file("dev", "quy").ids)
    assert len(train) == len(dev) == 24
    assert not shared_premises(train, dev)


def test_only_the_rows_that_are_allowed_are_drawn(data: Path) -> None:
    allowed = range(1, 25)
    drawn = SamplePool(Suite(data, "xnli"), ["es"], rows=allowed).draw("es", shots=4, seed=0)

    assert {*drawn.train, *drawn.dev} <= set(allowed)
    with pytest.raises(TooFewExamples):
        SamplePool(Suite(data, "xnli"), ["es"], rows=allowed).draw("es", shots=5, seed=0)
