"""The service that a soak runs on: the embedded one, or a deployment on Postgres and Redis. Work comes in over HTTP.

A process that dies is started again at once, as a supervisor would; submitting goes on until a 202 came, always under
the same key, so that a job whose acknowledgement got lost is not made twice.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, ClassVar

import httpx
import psutil
from sqlalchemy.exc import SQLAlchemyError
from support.servers import Postgres, Redis, running_postgres, running_redis
from support.service_processes import NOUNS, Stack, wait_for

from app.storage.table import new_id

LTP = str(Path(sys.executable).with_name("ltp"))
LABELS = ("entailment", "neutral", "contradiction")


class ServiceUnderTest:
    """Processes of one service, kept running."""

    commands: ClassVar[dict[str, list[str]]]
    """What is to run, by the name of its place."""

    def __init__(self, directory: Path, backbone: Path, **settings: Any) -> None:
        self.stack = Stack(directory / "data", backbone, max_attempts=1000, log_level="info", **settings).migrate()
        self.logs = directory / "logs"
        self.logs.mkdir()
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.acknowledged: list[str] = []
        self.starts = 0
        self._numbers = itertools.count()
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{self.stack.settings.port}", timeout=30, trust_env=False)

    def start_missing(self) -> None:
        """Start whatever does not run."""
        for place, command in self.commands.items():
            if place not in self.running or self.running[place].poll() is not None:
                self.starts += 1
                with (self.logs / f"{place}.log").open("ab") as log:
                    self.running[place] = subprocess.Popen(
                        command, env=self.stack.settings.environment(), stdin=subprocess.DEVNULL, stderr=log, stdout=log
                    )

    def workers(self) -> list[psutil.Process]:
        """The runners that live now."""
        raise NotImplementedError

    def jobs(self) -> Iterator[tuple[str, psutil.Process, psutil.Process]]:
        """The jobs at work: id, process, and the runner it belongs to."""
        for worker in self.workers():
            with suppress(psutil.Error):
                for child in worker.children():
                    command = child.cmdline()
                    if "worker.job" in command:
                        yield command[command.index("worker.job") + 1], child, worker

    def close(self) -> list[psutil.Process]:
        """Stop everything politely; return the processes that are left over."""
        for process in self.running.values():
            with suppress(psutil.Error):
                psutil.Process(process.pid).resume()
            process.terminate()
        for process in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=60)
        self._http.close()
        left = self.stack.processes()
        self.stack.close()
        for process in self.running.values():
            if process.poll() is None:
                process.kill()
                process.wait()
        return left

    def count_logged(self, words: str) -> int:
        """How many log lines hold these words."""
        return sum(path.read_text("utf-8", "replace").count(words) for path in self.logs.iterdir())

    # what a client would do

    def submit(self, path: str, **request: Any) -> str:
        """Submit until it is acknowledged; return the job's id."""
        key = new_id()
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            self.start_missing()
            with suppress(httpx.HTTPError):
                response = self._http.post(path, headers={"Idempotency-Key": key}, **request)
                if response.status_code == 202:
                    job_id = str(response.json()["job"]["id"])
                    self.acknowledged.append(job_id)
                    return job_id
                assert response.status_code in (429, 503), f"{response.status_code} {response.text}"
            time.sleep(0.1)
        raise AssertionError(f"{path} was not acknowledged")

    def drift(self, *, epochs: int) -> str:
        """A ticket with an MLM run of its own."""
        number = next(self._numbers)
        texts = [f"The {NOUNS[(number + i) % 30]} sees a {NOUNS[i * 7 % 30]} {number} ." for i in range(60)]
        mlm = {"epochs": epochs, "batch_size": 10, "learning_rate": 1e-3, "seed": number}
        return self.submit("/tickets", json={"corpus": {"texts": texts}, "mlm": mlm, "active_ratio": 0.1})

    def selection(self, *, drift_id: str) -> str:
        """A ticket from a drift that is there."""
        return self.submit("/tickets", json={"drift": drift_id, "active_ratio": 0.1})

    def adapter(self, *, ticket_id: str, epochs: int) -> str:
        """An adapter on 24 pairs."""
        number = next(self._numbers)
        examples = [
            {"premise": f"The {NOUNS[(number + i) % 30]} has a {label} {i}.", "hypothesis": "It is.", "label": label}
            for i in range(8)
            for label in LABELS
        ]
        training = {"epochs": epochs, "batch_size": 8, "learning_rate": 1e-3, "seed": number}
        body = {"lang": "sw", "ticket": ticket_id, "examples": examples, "training": training}
        return self.submit("/adapters", json=body)

    def prediction(self, *, rows: int) -> str:
        """A file of pairs to be judged."""
        number = next(self._numbers)
        lines = (f"The {NOUNS[row % 30]} runs {row} {number}.,A dog.\n" for row in range(rows))
        file = ("pairs.csv", "premise,hypothesis\n" + "".join(lines))
        return self.submit("/predictions", files={"file": file, "request": (None, json.dumps({"lang": "sw"}))})


class EmbeddedService(ServiceUnderTest):
    """`ltp serve` on SQLite: its supervisor starts the runner again."""

    commands: ClassVar[dict[str, list[str]]] = {"serve": [LTP, "serve"]}

    def workers(self) -> list[psutil.Process]:
        with suppress(psutil.Error):
            serve = psutil.Process(self.running["serve"].pid)
            return [child for child in serve.children() if "worker" in child.cmdline()]
        return []


class DeployedService(ServiceUnderTest):
    """One API and two workers on Postgres and Redis."""

    commands: ClassVar[dict[str, list[str]]] = {
        "api": [LTP, "api"],
        "worker-1": [LTP, "worker"],
        "worker-2": [LTP, "worker"],
    }

    def __init__(self, directory: Path, backbone: Path, **settings: Any) -> None:
        with ExitStack() as opened:
            self.postgres: Postgres = opened.enter_context(running_postgres())
            self.redis: Redis = opened.enter_context(running_redis())
            url = opened.enter_context(self.postgres.database())
            super().__init__(directory, backbone, database_url=url, redis_url=self.redis.url, **settings)
            self._opened = opened.pop_all()

    def workers(self) -> list[psutil.Process]:
        found = []
        for place in ("worker-1", "worker-2"):
            with suppress(psutil.Error):
                found.append(psutil.Process(self.running[place].pid))
        return found

    def close(self) -> list[psutil.Process]:
        try:
            return super().close()
        finally:
            self._opened.close()

    def answers(self) -> bool:
        """Whether the database does."""
        try:
            self.stack.workers()
        except SQLAlchemyError:
            return False
        return True

    def restart_postgres(self, *, pause_s: float) -> None:
        """Crash the database server and start it again on its data."""
        self.postgres.stop()
        time.sleep(pause_s)
        self.postgres.start()
        wait_for(self.answers, timeout_s=60, message="the database did not come back")
