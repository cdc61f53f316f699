"""The pairs that wait for the engine: bounds, order, fairness, cancelling."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import NotReady, QueueFull
from app.predictor.queue import PairQueue, Work


def work(*pairs: str, cost: int = 1) -> Work[str, str]:
    return Work(pairs, [cost] * len(pairs))


def drain(queue: PairQueue[str, str], budget: int) -> int:
    """Answer everything that waits with its upper case; returns how many batches it took."""
    queue.close()
    batches = 0
    while batch := queue.take(budget):
        batches += 1
        for piece in batch:
            piece.deliver([pair.upper() for pair in piece.pairs])
    return batches


@given(
    st.lists(st.lists(st.text("abc", min_size=1), min_size=1, max_size=30), min_size=1, max_size=8), st.integers(1, 40)
)
def test_every_pair_is_answered_once_and_in_order(requests: list[list[str]], budget: int) -> None:
    queue: PairQueue[str, str] = PairQueue(10_000)
    works = [work(*pairs) for pairs in requests]
    for item in works:
        queue.put(item)
    drain(queue, budget)
    assert [item.future.result(0) for item in works] == [[pair.upper() for pair in pairs] for pairs in requests]
    assert len(queue) == 0


def test_a_small_request_overtakes_a_large_one() -> None:
    queue: PairQueue[str, str] = PairQueue(10_000)
    large, small = work(*["a"] * 5000), work("b", "c")
    queue.put(large)
    queue.put(small)
    for piece in queue.take(64):
        piece.deliver([pair.upper() for pair in piece.pairs])
    assert small.future.result(0) == ["B", "C"]
    assert not large.future.done()


def test_a_batch_keeps_to_its_budget_of_tokens() -> None:
    queue: PairQueue[str, str] = PairQueue(100)
    queue.put(work(*"abcdef", cost=10))
    assert sum(len(piece.pairs) for piece in queue.take(35)) == 3
    assert sum(len(piece.pairs) for piece in queue.take(5)) == 1, "a pair over the budget still gets through"


def test_requests_of_a_few_pairs_are_answered_whole_and_in_the_order_they_came() -> None:
    queue: PairQueue[str, str] = PairQueue(1000)
    works = [work(*"abcd", cost=3) for _ in range(40)]
    for item in works:
        queue.put(item)
    batch = queue.take(100)
    assert [piece.work for piece in batch] == works[: len(batch)]
    assert all(len(piece.pairs) == 4 for piece in batch)
    assert 100 <= sum(len(piece.pairs) * 3 for piece in batch) < 100 + 12


def test_room_can_be_asked_for_before_anything_is_prepared() -> None:
    queue: PairQueue[str, str] = PairQueue(4)
    queue.admit(9)
    queue.put(work(*"abc"))
    queue.admit(1)
    with pytest.raises(QueueFull):
        queue.admit(2)
    queue.close()
    with pytest.raises(NotReady):
        queue.admit(1)


def test_a_full_queue_refuses_and_says_when_to_come_back() -> None:
    queue: PairQueue[str, str] = PairQueue(4)
    queue.put(work(*"abc"))
    with pytest.raises(QueueFull) as refusal:
        queue.put(work(*"de"))
    assert refusal.value.retry_after is not None
    assert refusal.value.retry_after >= 1
    queue.put(work("d"))
    assert len(queue) == 4


def test_an_empty_queue_takes_a_request_larger_than_itself() -> None:
    queue: PairQueue[str, str] = PairQueue(2)
    large = work(*"abcdef")
    queue.put(large)
    drain(queue, 4)
    assert large.future.result(0) == list("ABCDEF")


def test_cancelling_gives_the_room_back() -> None:
    queue: PairQueue[str, str] = PairQueue(4)
    first, second = work(*"abc"), work("d")
    queue.put(first)
    queue.put(second)
    queue.cancel(first)
    assert len(queue) == 1
    assert first.future.cancelled()
    drain(queue, 10)
    assert second.future.result(0) == ["D"]


def test_cancelling_half_way_drops_the_rest() -> None:
    queue: PairQueue[str, str] = PairQueue(10)
    begun = work(*"abcdef")
    queue.put(begun)
    (piece,) = queue.take(2)
    queue.cancel(begun)
    piece.deliver(["A", "B"])
    assert len(queue) == 0
    assert drain(queue, 10) == 0


def test_a_failed_request_is_told_and_forgotten() -> None:
    queue: PairQueue[str, str] = PairQueue(10)
    broken = work(*"abcdef")
    queue.put(broken)
    queue.take(2)
    queue.fail(broken, ValueError("damaged"))
    assert len(queue) == 0
    with pytest.raises(ValueError, match="damaged"):
        broken.future.result(0)


def test_closing_lets_what_waits_through_and_nothing_new() -> None:
    queue: PairQueue[str, str] = PairQueue(10)
    accepted = work("a")
    queue.put(accepted)
    queue.close()
    with pytest.raises(NotReady):
        queue.put(work("b"))
    drain(queue, 10)
    assert accepted.future.result(0) == ["A"]


def test_taking_waits_for_something_to_come() -> None:
    queue: PairQueue[str, str] = PairQueue(10)
    taken: list[int] = []
    thread = threading.Thread(target=lambda: taken.append(len(queue.take(10))))
    thread.start()
    queue.put(work("a"))
    thread.join(5)
    assert taken == [1]
