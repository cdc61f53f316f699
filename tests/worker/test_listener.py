"""Waking workers from end to end on a real Redis: sent, received, and harmless when it cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.servers import Redis, running_redis

from app.jobs.broker import WAKE_TASK, JobNotifier, application
from app.storage.table import new_id
from worker.listener import Listener

pytestmark = pytest.mark.process


class Line:
    """A notifier, and a listener that notes what it receives."""

    def __init__(self, redis: Redis) -> None:
        self.redis, self.received, self.free = redis, set[str](), True
        self.listener = Listener(
            redis.url, name=new_id(), queues=["tickets", "adapters"], wake=self.received.add, free=lambda: self.free
        )
        self.notifier = JobNotifier(redis.url)

    def notify(self, kind: str = "ticket") -> str:
        job_id = new_id()
        self.notifier.notify(job_id, kind=kind)
        return job_id

    def received_at_last(self) -> bool:
        """Notify of one job after the other until one is received: a message may be lost while Redis comes back."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            job_id = self.notify()
            if self.receives(job_id, seconds=1):
                return True
        return False

    def receives(self, job_id: str, *, seconds: float = 60) -> bool:
        deadline = time.monotonic() + seconds
        while job_id not in self.received and time.monotonic() < deadline:
            time.sleep(0.01)
        return job_id in self.received


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with running_redis() as server:
        yield server


@pytest.fixture(scope="module")
def line(redis: Redis) -> Iterator[Line]:
    """Both ends begin while Redis is away."""
    redis.stop()
    line = Line(redis)
    line.listener.start()
    line.notifier.start()
    line.notify()
    redis.start()
    yield line
    line.notifier.stop()
    assert line.listener.stop(timeout_s=30)


def test_a_message_is_received_by_a_listener_of_its_queue(line: Line) -> None:
    assert line.received_at_last()
    unreceived = line.notify("prediction")
    for kind in ("ticket", "adapter"):
        assert line.receives(line.notify(kind))
    assert unreceived not in line.received
    with line.redis.client() as client:
        assert client.llen("predictions") == 1


def test_a_flushed_redis_is_no_trouble(line: Line) -> None:
    assert line.received_at_last()
    line.redis.flush()
    assert line.receives(line.notify())


def test_a_redis_that_comes_back_is_listened_to_again(line: Line) -> None:
    assert line.received_at_last()
    line.redis.stop()
    line.notify()
    line.redis.start()
    assert line.received_at_last()


def test_what_is_no_message_is_dropped_and_stops_nothing(line: Line) -> None:
    assert line.received_at_last()
    before = set(line.received)
    application(line.redis.url).send_task(WAKE_TASK, args=["not an id\0"], queue="tickets")
    application(line.redis.url).send_task("another.task", args=["x"], queue="tickets")
    with line.redis.client() as client:
        client.lpush("tickets", "not JSON")
    assert line.received_at_last()
    assert all(len(job_id) == 36 for job_id in line.received - before)


def test_a_busy_listener_leaves_the_messages_to_others(line: Line) -> None:
    assert line.received_at_last()
    line.free = False
    try:
        with line.redis.client() as client:
            deadline = time.monotonic() + 60
            while any(each["cmd"] == "brpop" and int(each["idle"]) < 2 for each in client.client_list()):
                assert time.monotonic() < deadline, "it goes on asking for messages"
                time.sleep(0.05)
            left = line.notify()
            while client.llen("tickets") == 0:
                assert time.monotonic() < deadline, "the message was not sent"
                time.sleep(0.05)
        assert left not in line.received
    finally:
        line.free = True
    assert line.receives(left)


def test_celery_can_ask_who_listens(line: Line) -> None:
    assert line.received_at_last()
    command = [str(Path(sys.executable).with_name("celery")), "-A", "worker.celery", "inspect", "ping"]
    command += ["-t", "60", "-d", line.listener._name]
    environment = os.environ | {"LTP_REDIS_URL": line.redis.url}
    asked = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert "pong" in asked.stdout, asked.stderr


def test_a_wrong_password_stops_nothing(redis: Redis) -> None:
    url = redis.url.replace("a-password", "another")
    notifier, began = JobNotifier(url), threading.active_count()
    listener = Listener(url, name="w", queues=["tickets"], wake=lambda _: None, free=lambda: True)
    notifier.start()
    listener.start()
    for _ in range(3000):  # more than wait, and not one of them waits or raises
        notifier.notify(new_id(), kind="ticket")
    assert threading.active_count() > began
    notifier.stop()
    assert listener.stop(timeout_s=60)
