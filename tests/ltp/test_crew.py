"""Work shared among threads: results in order, every failure raised, nothing begun after one."""

import threading
import time

import pytest
import torch

from ltp.crew import share


@pytest.fixture(params=[1, 3], autouse=True)
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_stand_in_the_order_of_the_items() -> None:
    assert share(lambda number: number * number, range(200)) == [number * number for number in range(200)]
    assert share(str, []) == []


def test_as_many_threads_as_torch_computes_with(threads: int) -> None:
    meeting = threading.Barrier(threads)
    names = share(lambda _: meeting.wait(20) >= 0 and threading.current_thread().name, range(threads))
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
        share(work, range(10_000))
    assert len(begun) < 10_000


def test_work_may_share_work() -> None:
    assert share(lambda number: sum(share(lambda each: each, range(number))), range(60)) == [
        number * (number - 1) // 2 for number in range(60)
    ]
