"""Every process of a deployment is replaced, in turn, while it predicts and trains, and no request fails."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.load_balancer import LoadBalancer
from support.running_service import EXAMPLES
from support.servers import free_port, running_postgres
from support.service_processes import Stack, wait_for

pytestmark = pytest.mark.process

DRAIN_S = 1.0
"""Five looks of the balancer."""
LOADERS = 3
OUTSTANDING = 2
"""Trainings that wait or run at any time."""
PREDICTION = {"lang": "sw", "pairs": [{"premise": "the dog runs in the field", "hypothesis": "the dog runs"}] * 4}


class Deployment:
    """Two APIs behind a balancer and two workers, on one Postgres."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.ports = free_port(), free_port()
        self.apis = [stack.api(port=port) for port in self.ports]
        self.workers = [stack.runner() for _ in range(2)]
        self.balancer = LoadBalancer(*self.ports)
        self.ended = threading.Event()
        self.jobs: list[str] = []
        self.faults: list[str] = []

    def send(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """Send until it is neither put off nor lost; note what must not happen."""
        while True:
            response = self.balancer.send(method, path, **request)
            if response is not None and response.status_code == 503:
                if not response.headers.get("Retry-After", "").isdecimal():
                    self.faults.append(f"503 without Retry-After: {response.text}")
                time.sleep(0.1)
            elif response is not None and response.is_success:
                answer: dict[str, Any] = response.json()
                return answer
            else:
                self.faults.append(f"{method} {path}: {response and response.text}")
                time.sleep(0.1)

    def submit(self, path: str, **body: Any) -> str:
        job_id = str(self.send("POST", path, json=body)["job"]["id"])
        self.jobs.append(job_id)
        return job_id

    def train(self) -> str:
        training = {"epochs": 2, "batch_size": 8, "seed": len(self.jobs)}
        return self.submit("/adapters", lang="sw", method="pt", examples=EXAMPLES, training=training)

    def finished(self, job_id: str) -> bool:
        return self.stack.job(job_id).status in ("succeeded", "failed", "cancelled")

    def predict_on(self) -> None:
        while not self.ended.is_set():
            answer = self.send("POST", "/predict", json=PREDICTION)
            if len(answer["predictions"]) != 4:
                self.faults.append(str(answer))
            self.ended.wait(0.02)  # leaves the processor to those who start

    def train_on(self) -> None:
        while not self.ended.is_set():
            if sum(not self.finished(job_id) for job_id in self.jobs) < OUTSTANDING:
                self.train()
            self.ended.wait(0.2)

    def restart_api(self, place: int) -> None:
        """Replace an API, and wait until the balancer sends it requests again."""
        self._stop(self.apis[place])
        self.apis[place] = self.stack.api(port=self.ports[place])
        wait_for(lambda: self.balancer.ready(self.ports[place]), message="the new API is not ready")

    def restart_worker(self, place: int) -> None:
        """Replace a worker while it works on a job."""
        worker = self.workers[place]
        wait_for(lambda: self._at_work(worker), message="the worker has nothing to do")
        self._stop(worker)
        self.workers[place] = self.stack.runner()

    def _at_work(self, worker: subprocess.Popen[bytes]) -> bool:
        with suppress(psutil.Error):
            return any("worker.job" in child.cmdline() for child in psutil.Process(worker.pid).children())
        return False

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.fixture
def deployment(tmp_path: Path, tiny_backbone_dir: Path) -> Iterator[Deployment]:
    with ExitStack() as opened:
        url = opened.enter_context(opened.enter_context(running_postgres()).database())
        stack = Stack(tmp_path / "data", tiny_backbone_dir, database_url=url, drain_s=DRAIN_S, lease_s=30)
        opened.callback(stack.close)
        deployed = Deployment(stack)
        opened.callback(deployed.balancer.close)
        opened.callback(deployed.ended.set)
        wait_for(lambda: all(map(deployed.balancer.ready, deployed.ports)), message="the APIs are not ready")
        yield deployed


def test_a_rolling_restart_under_load_fails_no_request_and_loses_no_job(
    deployment: Deployment, record_property: Callable[[str, object], None]
) -> None:
    deployment.train()
    wait_for(lambda: deployment.finished(deployment.jobs[0]))
    load = [threading.Thread(target=deployment.predict_on, daemon=True) for _ in range(LOADERS)]
    load.append(threading.Thread(target=deployment.train_on, daemon=True))
    for thread in load:
        thread.start()
    for place in (0, 1):
        deployment.restart_api(place)
        deployment.restart_worker(place)
    deployment.ended.set()
    for thread in load:
        thread.join(60)
    jobs = deployment.stack.finish(*map(deployment.stack.job, deployment.jobs))
    balancer = deployment.balancer
    handed_back = sum("shutting down" in deployment.stack.logs(job) for job in jobs)
    record_property(
        "figures",
        f"requests {balancer.statuses.total()}, of them put off with 503: {balancer.statuses[503]}, broken: "
        f"{len(balancer.broken)}, longest {balancer.longest_s:.2f} s; jobs {len(jobs)}, handed back {handed_back}",
    )
    assert balancer.broken == []
    assert deployment.faults == []
    assert set(balancer.statuses) <= {200, 202, 503}
    assert {(job.status, job.attempt) for job in jobs} == {("succeeded", 1)}, "handing a job back costs no attempt"
    assert handed_back >= 1
    versions = [deployment.stack.made(job).version for job in jobs if job.kind == "adapter"]
    assert sorted(versions) == list(range(1, len(versions) + 1)), "each is published once"
