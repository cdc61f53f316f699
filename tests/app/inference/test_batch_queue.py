"""The pairs that wait for the engine: bounds, order, fairness, cancelling."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import NotReady, QueueFull
from app.inference.batch_queue import PairQueue
from app.inference.stagger import Stagger
from app.inference.work import Work


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


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def timed(capacity: int = 1000, *, max_wait_s: float = 10) -> tuple[PairQueue[str, str], Clock]:
    """A queue of known pace: ten tokens a second, of batches of ten."""
    clock = Clock()
    queue: PairQueue[str, str] = PairQueue(capacity, max_wait_s=max_wait_s, clock=clock)
    queue.put(work(*"abcdefghij"))
    queue.take(10)
    clock.now += 1
    queue.put(work("k"))
    queue.take(10)  # says that the full batch took a second
    clock.now += 0.1
    return queue, clock


def admitted(queue: PairQueue[str, str]) -> int:
    """Put pairs until one is refused; returns how many there was room for."""
    for count in range(10_000):
        try:
            queue.put(work("x"))
        except QueueFull:
            return count
    raise AssertionError("never refused")


def test_nobody_is_let_wait_for_longer_than_said_by_the_pace_of_the_engine() -> None:
    queue, _ = timed()
    assert 60 <= admitted(queue) <= 80, "ten seconds at ten a second, less a batch of one's own and a fifth for safety"


def test_what_is_accepted_under_overload_is_answered_in_time() -> None:
    queue, clock = timed()
    accepted: list[tuple[float, Work[str, str]]] = []
    longest = 0.0
    for _ in range(60):
        for _ in range(40):  # many more than there is room for, all through the batch
            item = work("x")
            try:
                queue.put(item)
                accepted.append((clock.now, item))
            except QueueFull:
                pass
            clock.now += 1 / 40
        for piece in queue.take(10):
            piece.deliver(["X"] * len(piece.pairs))
        for since, item in accepted:
            longest = max(longest, clock.now + 1 - since if item.future.done() else 0)
        accepted = [(since, item) for since, item in accepted if not item.future.done()]
    assert 6 < longest <= 9


def test_room_comes_back_while_a_batch_is_under_way() -> None:
    queue, clock = timed()
    admitted(queue)
    queue.take(10)
    admitted(queue)
    clock.now += 0.5
    assert 2 <= admitted(queue) <= 5


def test_a_slower_engine_has_a_shorter_line() -> None:
    queue, clock = timed()
    before = admitted(queue)
    for _ in range(5):
        queue.take(10)
        clock.now += 4
    queue.take(10_000)
    clock.now += 1000
    assert admitted(queue) < before / 2


def test_small_batches_do_not_make_the_engine_seem_slow() -> None:
    queue, clock = timed()
    for _ in range(20):
        queue.put(work("x"))
        queue.take(10)
        clock.now += 1  # one token a second
    queue.put(work("x"))
    queue.take(10)
    clock.now += 100
    assert admitted(queue) >= 60


def test_failed_batches_tell_nothing_of_the_pace() -> None:
    queue, clock = timed()
    for _ in range(20):
        broken = work(*"abcdefghij")
        queue.put(broken)
        queue.take(10)
        clock.now += 0.001
        queue.fail(broken, ValueError("damaged"))
    queue.put(work("x"))
    queue.take(10)
    clock.now += 100
    assert admitted(queue) <= 80


def test_before_the_pace_is_known_pairs_alone_are_counted() -> None:
    queue: PairQueue[str, str] = PairQueue(500, max_wait_s=0.001)
    assert admitted(queue) == 500


def test_who_is_refused_for_the_time_it_would_take_is_told_so() -> None:
    queue, _ = timed()
    admitted(queue)
    with pytest.raises(QueueFull, match="more than 10 s") as refusal:
        queue.admit()
    assert refusal.value.retry_after is not None
    assert 3 <= refusal.value.retry_after <= 6, "half of what waits"


def test_newcomers_do_not_overtake_a_large_request_for_ever() -> None:
    queue: PairQueue[str, str] = PairQueue(10_000)
    large = work(*["a"] * 100)
    queue.put(large)
    batches = 0
    while not large.future.done():
        for _ in range(40):
            queue.put(work("b"))
        for piece in queue.take(16):
            piece.deliver(["A"] * len(piece.pairs))
        batches += 1
    assert batches <= 50, "two pairs a batch at least"


def test_those_who_are_answered_together_go_on_one_a_turn_of_the_loop() -> None:
    through: list[int] = []
    at_once: list[int] = []

    async def one(stagger: Stagger, number: int) -> None:
        await stagger.wait()
        through.append(number)

    async def look() -> None:
        while len(through) < 20:
            before = len(through)
            await asyncio.sleep(0)
            at_once.append(len(through) - before)

    async def main() -> None:
        stagger = Stagger()
        await asyncio.gather(*(one(stagger, number) for number in range(20)), look())

    asyncio.run(main())
    assert through == list(range(20))
    assert max(at_once) == 1


def test_a_queue_rests_only_while_nothing_comes() -> None:
    queue: PairQueue[str, str] = PairQueue(10)
    assert queue.idle_for(0.001)
    queue.put(work("a"))
    assert not queue.idle_for(60)
    queue.take(10)
    queue.close()
    assert not queue.idle_for(60), "who closes it does not wait"


def of(tenant: str, pairs: int = 1, *, cost: int = 1) -> Work[str, str]:
    return Work(["a"] * pairs, [cost] * pairs, tenant)


def test_a_tenant_that_fills_the_queue_leaves_others_their_share() -> None:
    queue: PairQueue[str, str] = PairQueue(60)
    queue.put(of("amber", 60))
    for tenant, share in (("birch", 30), ("cedar", 20), ("drake", 15)):
        for _ in range(share):
            queue.put(of(tenant))
        with pytest.raises(QueueFull, match=f"{share} of yours"):
            queue.admit(tenant=tenant)
    with pytest.raises(QueueFull):
        queue.admit(tenant="amber")
    for number in range(1_000):
        with suppress(QueueFull):
            queue.put(of(f"tenant {number}"))
    assert len(queue) <= 4 * 60, "what many small tenants may have together is bounded"


def test_tenants_have_equal_shares_of_a_batch_and_of_what_others_leave() -> None:
    queue: PairQueue[str, str] = PairQueue(10_000)
    for _ in range(100):
        queue.put(of("amber", 10))
    queue.put(of("birch", 500))
    small = of("cedar", 2)
    queue.put(small)
    taken = Counter[str]()
    for piece in queue.take(100):
        taken[piece.work.tenant] += len(piece.pairs)
        piece.deliver(["A"] * len(piece.pairs))
    assert small.future.done()
    assert taken == {"amber": 49, "birch": 49, "cedar": 2} or abs(taken["amber"] - taken["birch"]) <= 10


def test_no_tenant_is_left_out_for_long_however_many_there_are() -> None:
    queue: PairQueue[str, str] = PairQueue(100_000)
    greedy = of("greedy", 200, cost=10)
    queue.put(greedy)
    seen: Counter[str] = Counter()
    for _ in range(40):
        for number in range(20):
            queue.put(of(f"tenant {number}", cost=10))
        for piece in queue.take(50):
            seen[piece.work.tenant] += len(piece.pairs)
            piece.deliver(["A"] * len(piece.pairs))
    assert seen["greedy"] >= 5, "its turn comes every few batches"


def test_who_comes_behind_another_tenants_line_does_not_wait_for_all_of_it() -> None:
    queue, _ = timed()
    for _ in range(70):
        try:
            queue.put(of("amber"))
        except QueueFull:
            break
    with pytest.raises(QueueFull):
        queue.admit(tenant="amber")
    queue.put(of("birch"))
    queue.admit(tenant="cedar")
