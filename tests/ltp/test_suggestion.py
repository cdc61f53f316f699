"""What to label next: unsure before sure, unlike before like, and one a premise."""

import numpy as np
import pytest

from ltp.suggestion import Pool, choose, uncertainty

SURE, UNSURE = (0.98, 0.01, 0.01), (0.36, 0.33, 0.31)


def pool(premises: list[str], answers: list[tuple[float, ...]], hypotheses: list[str] | None = None) -> Pool:
    return Pool(premises, hypotheses or [f"h {index}" for index in range(len(premises))], np.array(answers))


def test_uncertainty_is_the_missing_margin() -> None:
    assert uncertainty(np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.6, 0.3, 0.1]])) == pytest.approx([0, 1, 0.7])


@pytest.mark.parametrize("seed", range(5))
def test_unsure_answers_come_first(seed: int) -> None:
    given = pool(
        [f"premise {index}" for index in range(40)], [UNSURE if index % 4 == 0 else SURE for index in range(40)]
    )
    chosen = choose(given, 8, strategy="uncertain", seed=seed)
    assert sum(index % 4 == 0 for index in chosen) >= 7


def test_the_first_is_the_least_sure() -> None:
    given = pool([f"premise {index}" for index in range(9)], [(0.4, 0.3, 0.3)] * 4 + [UNSURE] + [(0.4, 0.3, 0.3)] * 4)
    assert {choose(given, 1, strategy="uncertain", seed=seed)[0] for seed in range(20)} == {4}


@pytest.mark.parametrize("seed", range(5))
def test_no_premise_comes_twice_before_all_were_there(seed: int) -> None:
    premises = [f"the same {index // 3}" + " " * (index % 3) for index in range(30)]
    chosen = choose(pool(premises, [UNSURE] * 30), 14, strategy="uncertain", seed=seed)
    assert len({index // 3 for index in chosen[:10]}) == 10
    assert len(set(chosen)) == 14


def test_of_equally_unsure_pairs_unlike_ones_are_taken() -> None:
    texts = [f"a dog sleeps in the warm house near the river {index}" for index in range(57)]
    texts += ["xylophones jazz", "quartz fjord", "vodka gym hub"]
    given = Pool(texts, texts, np.array([UNSURE] * 60))
    found = {
        strategy: sum(index >= 57 for seed in range(40) for index in choose(given, 4, strategy=strategy, seed=seed))
        for strategy in ("uncertain", "random")
    }
    assert found["uncertain"] > 2 * found["random"] > 0


def test_vectors_stand_in_for_texts() -> None:
    vectors = np.zeros((20, 4))
    vectors[:, 0] = 1
    vectors[7] = (0, 0, 1, 0)
    given = Pool([f"{index}" for index in range(20)], ["h"] * 20, np.array([UNSURE] * 20), vectors)
    assert 7 in choose(given, 2, strategy="uncertain", seed=1)


def test_it_follows_the_seed_and_a_small_pool_is_taken_whole() -> None:
    given = pool([f"premise {index // 2}" for index in range(20)], [UNSURE, SURE] * 10)
    assert choose(given, 6, strategy="uncertain", seed=3) == choose(given, 6, strategy="uncertain", seed=3)
    for strategy in ("auto", "random", "uncertain"):
        assert sorted(choose(given, 50, strategy=strategy)) == list(range(20))
    assert {choose(given, 1, strategy="random", seed=seed)[0] for seed in range(99)} >= set(range(20))


def test_answers_that_are_certain_leave_any_choice() -> None:
    given = pool(["a", "b", "c"], [(1.0, 0.0, 0.0)] * 3)
    assert sorted(choose(given, 3)) == [0, 1, 2]


def test_empty_texts_and_two_labels() -> None:
    assert sorted(choose(Pool(["", "a"], ["", ""], np.array([[0.5, 0.5], [0.4, 0.6]])), 2)) == [0, 1]


def test_unless_it_is_asked_for_any_are_drawn_one_a_premise_first() -> None:
    given = pool([f"premise {index // 3}" for index in range(30)], [SURE, UNSURE, UNSURE] * 10)
    for seed in range(20):
        chosen = choose(given, 14, seed=seed)
        assert chosen == choose(given, 14, strategy="random", seed=seed)
        assert len({index // 3 for index in chosen[:10]}) == 10
    assert {choose(given, 1, seed=seed)[0] % 3 for seed in range(40)} == {0, 1, 2}, "sure ones as well"
