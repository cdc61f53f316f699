"""Each device does its own runner's jobs; a drift has all of them, once those at work have ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from app.settings import Settings
from worker.device_turns import DeviceTurns, Place

KINDS = ("ticket", "adapter", "prediction")


class Queue:
    """Jobs that wait, by kind, and what was done: its kind and devices. A job lasts for one call of `during`."""

    def __init__(self, *waiting: str) -> None:
        self.waiting, self.done = [*waiting], list[tuple[str, str]]()
        self.during: Callable[[], object] = lambda: None

    def next_kind(self, kinds: Sequence[str]) -> str | None:
        return next((kind for kind in self.waiting if kind in kinds), None)

    def do_one(self, kinds: Sequence[str], settings: Settings) -> bool:
        kind = next(kind for kind in self.waiting if kind in kinds)
        self.waiting.remove(kind)
        self.done.append((kind, settings.devices))
        during, self.during = self.during, lambda: None
        during()
        return True


def places(folder: Path, devices: str) -> list[Place]:
    settings = Settings(_env_file=None, data_dir=folder, devices=devices, device="cpu")  # type: ignore[call-arg]
    turns = DeviceTurns(len(settings.job_devices))
    return [Place(settings, KINDS, turns=turns, number=number) for number in range(len(settings.job_devices))]


def test_one_device_does_every_kind_in_the_order_of_the_queue(tmp_path: Path) -> None:
    (only,) = places(tmp_path, "")
    queue = Queue("adapter", "ticket")
    assert only.device == "cpu"
    assert [only.work(queue.next_kind, queue.do_one) for _ in range(3)] == [True, True, False]
    assert queue.done == [("adapter", ""), ("ticket", "")]


def test_jobs_are_spread_and_each_computes_on_its_own_device(tmp_path: Path) -> None:
    first, second = places(tmp_path, "0,1")
    queue = Queue("adapter", "adapter")
    queue.during = lambda: second.work(queue.next_kind, queue.do_one)  # meanwhile
    assert (first.device, second.device) == ("cuda:0", "cuda:1")
    assert first.work(queue.next_kind, queue.do_one)
    assert queue.done == [("adapter", "cuda:0"), ("adapter", "cuda:1")]


def test_a_drift_waits_for_jobs_at_work_and_keeps_others_from_beginning(tmp_path: Path) -> None:
    first, second, third = places(tmp_path, "0,1,2")
    queue, seen = Queue("adapter", "ticket", "adapter"), list[bool]()

    def meanwhile() -> None:
        seen.extend(place.work(queue.next_kind, queue.do_one) for place in (first, third))

    queue.during = meanwhile
    assert second.work(queue.next_kind, queue.do_one)
    assert seen == [False, False]
    queue.during = meanwhile
    assert first.work(queue.next_kind, queue.do_one)
    assert seen == [False] * 4
    assert queue.done == [("adapter", "cuda:1"), ("ticket", "cuda:0,cuda:1,cuda:2")]
    assert third.work(queue.next_kind, queue.do_one)
    assert queue.done[-1] == ("adapter", "cuda:2")


def test_a_drift_overtakes_no_job_and_none_overtakes_it(tmp_path: Path) -> None:
    first, _ = places(tmp_path, "cpu,cpu")
    queue = Queue("adapter", "ticket", "prediction", "ticket")
    assert [first.work(queue.next_kind, queue.do_one) for _ in range(5)] == [True] * 4 + [False]
    both, own = "cpu,cpu", "cpu"
    assert queue.done == [("adapter", own), ("ticket", both), ("prediction", own), ("ticket", both)]


def test_drifts_are_left_to_the_first(tmp_path: Path) -> None:
    _, second = places(tmp_path, "cpu,cpu")
    queue = Queue("ticket", "adapter")
    assert [second.work(queue.next_kind, queue.do_one) for _ in range(2)] == [True, False]
    assert queue.done == [("adapter", "cpu")]


def test_a_drift_that_another_worker_has_taken_holds_nobody_up(tmp_path: Path) -> None:
    first, second = places(tmp_path, "0,1")
    queue = Queue("adapter", "ticket", "adapter")
    seen: list[bool] = []

    def meanwhile() -> None:
        seen.append(first.work(queue.next_kind, queue.do_one))  # it waits for the second's job
        queue.waiting.remove("ticket")
        seen.append(first.work(queue.next_kind, queue.do_one))

    queue.during = meanwhile
    assert second.work(queue.next_kind, queue.do_one)
    assert seen == [False, True]
    assert queue.done == [("adapter", "cuda:1"), ("adapter", "cuda:0")]


def test_a_runner_that_leaves_holds_nobody_up(tmp_path: Path) -> None:
    first, second = places(tmp_path, "0,1")
    queue = Queue("adapter", "ticket", "adapter")
    queue.during = lambda: first.work(queue.next_kind, queue.do_one)
    assert second.work(queue.next_kind, queue.do_one)
    assert not second.work(queue.next_kind, queue.do_one)
    first.leave()
    assert second.work(queue.next_kind, queue.do_one)
