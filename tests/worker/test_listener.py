"""The doorbell from end to end on a real Redis: rung, heard, and nobody's trouble when it cannot be."""

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

from app.jobs.broker import RING, Doorbell, application
from app.storage.table import new_id
from worker.listener import Listener

pytestmark = pytest.mark.process


class Door:
    """A doorbell, and a listener that notes what it hears."""

    def __init__(self, redis: Redis) -> None:
        self.redis, self.heard, self.free = redis, set[str](), True
        self.listener = Listener(
            redis.url, name=new_id(), queues=["tickets", "adapters"], wake=self.heard.add, free=lambda: self.free
        )
        self.doorbell = Doorbell(redis.url)

    def ring(self, kind: str = "ticket") -> str:
        job_id = new_id()
        self.doorbell.ring(job_id, kind=kind)
        return job_id

    def heard_at_last(self) -> bool:
        """Ring for one job after the other until one is heard: a bell may be lost while Redis comes back."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            job_id = self.ring()
            if self.hears(job_id, seconds=1):
                return True
        return False

    def hears(self, job_id: str, *, seconds: float = 60) -> bool:
        deadline = time.monotonic() + seconds
        while job_id not in self.heard and time.monotonic() < deadline:
            time.sleep(0.01)
        return job_id in self.heard


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with running_redis() as server:
        yield server


@pytest.fixture(scope="module")
def door(redis: Redis) -> Iterator[Door]:
    """Both ends begin while Redis is away."""
    redis.stop()
    door = Door(redis)
    door.listener.start()
    door.doorbell.start()
    door.ring()
    redis.start()
    yield door
    door.doorbell.stop()
    assert door.listener.stop(timeout_s=30)


def test_a_bell_is_heard_by_those_who_listen_to_its_queue(door: Door) -> None:
    assert door.heard_at_last()
    unheard = door.ring("prediction")
    for kind in ("ticket", "adapter"):
        assert door.hears(door.ring(kind))
    assert unheard not in door.heard
    with door.redis.client() as client:
        assert client.llen("predictions") == 1


def test_a_flushed_redis_is_no_trouble(door: Door) -> None:
    assert door.heard_at_last()
    door.redis.flush()
    assert door.hears(door.ring())


def test_a_redis_that_comes_back_is_listened_to_again(door: Door) -> None:
    assert door.heard_at_last()
    door.redis.stop()
    door.ring()
    door.redis.start()
    assert door.heard_at_last()


def test_what_is_no_bell_is_not_heard_and_stops_nobody(door: Door) -> None:
    assert door.heard_at_last()
    before = set(door.heard)
    application(door.redis.url).send_task(RING, args=["not an id\0"], queue="tickets")
    application(door.redis.url).send_task("another.task", args=["x"], queue="tickets")
    with door.redis.client() as client:
        client.lpush("tickets", "not JSON")
    assert door.heard_at_last()
    assert all(len(job_id) == 36 for job_id in door.heard - before)


def test_who_is_busy_leaves_the_bells_to_others(door: Door) -> None:
    assert door.heard_at_last()
    door.free = False
    try:
        with door.redis.client() as client:
            deadline = time.monotonic() + 60
            while any(each["cmd"] == "brpop" and int(each["idle"]) < 2 for each in client.client_list()):
                assert time.monotonic() < deadline, "it goes on asking for messages"
                time.sleep(0.05)
            left = door.ring()
            while client.llen("tickets") == 0:
                assert time.monotonic() < deadline, "the bell was not rung"
                time.sleep(0.05)
        assert left not in door.heard
    finally:
        door.free = True
    assert door.hears(left)


def test_celery_can_ask_who_listens(door: Door) -> None:
    assert door.heard_at_last()
    command = [str(Path(sys.executable).with_name("celery")), "-A", "worker.celery", "inspect", "ping"]
    command += ["-t", "60", "-d", door.listener._name]
    environment = os.environ | {"LTP_REDIS_URL": door.redis.url}
    asked = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert "pong" in asked.stdout, asked.stderr


def test_a_wrong_password_stops_nobody(redis: Redis) -> None:
    url = redis.url.replace("rings", "knocks")
    doorbell, began = Doorbell(url), threading.active_count()
    listener = Listener(url, name="w", queues=["tickets"], wake=lambda _: None, free=lambda: True)
    doorbell.start()
    listener.start()
    for _ in range(3000):  # more than wait, and not one of them waits or raises
        doorbell.ring(new_id(), kind="ticket")
    assert threading.active_count() > began
    doorbell.stop()
    assert listener.stop(timeout_s=60)
