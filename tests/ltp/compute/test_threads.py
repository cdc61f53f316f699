"""Work shared among threads: results in order, every failure raised, nothing begun after one."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from ltp.compute.threads import map_single_threaded, parallel_map


@pytest.fixture(params=[1, 3], autouse=True)
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_stand_in_the_order_of_the_items() -> None:
    assert parallel_map(lambda number: number * number, range(200)) == [number * number for number in range(200)]
    assert parallel_map(str, []) == []


def test_as_many_threads_as_torch_computes_with(threads: int) -> None:
    meeting = threading.Barrier(threads)
    names = parallel_map(lambda _: meeting.wait(20) >= 0 and threading.current_thread().name, range(threads))
    assert len(set(names)) == threads
    assert threading.current_thread().name in names


def test_a_failure_is_raised_and_ends_the_work() -> None:
    begun = []

    def work(number: int) -> None:
        begun.append(number)
        if number == 2:
            raise ValueError("two")
        time.sleep(0.001)

    with pytest.raises(ValueError, match="two"):
        parallel_map(work, range(10_000))
    assert len(begun) < 10_000


def test_work_may_share_work() -> None:
    assert parallel_map(lambda number: sum(parallel_map(lambda each: each, range(number))), range(60)) == [
        number * (number - 1) // 2 for number in range(60)
    ]


def test_each_alone_has_a_thread_in_which_torch_does_not_divide(threads: int) -> None:
    meeting = threading.Barrier(threads)

    def work(number: int) -> tuple[int, int, str]:
        meeting.wait(20)
        return number, torch.get_num_threads(), threading.current_thread().name

    found = map_single_threaded(work, range(threads))
    assert [(number, inside) for number, inside, _ in found] == [(number, 1) for number in range(threads)]
    assert len({name for _, _, name in found}) == threads
    assert torch.get_num_threads() == threads
    with ThreadPoolExecutor(1) as newcomer:
        assert newcomer.submit(torch.get_num_threads).result() == threads


def test_a_failure_alone_is_raised_when_all_have_ended() -> None:
    ended = []

    def work(number: int) -> None:
        if number == 0:
            raise ValueError("nothing")
        time.sleep(0.05)
        ended.append(number)

    with pytest.raises(ValueError, match="nothing"):
        map_single_threaded(work, range(3))
    assert sorted(ended) == [1, 2]
