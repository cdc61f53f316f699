"""Faults of a deployment, on its own processes: API and workers on Postgres and Redis."""

from __future__ import annotations

import base64
import json
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.deployment import Deployment
from support.servers import Postgres, free_port, running_postgres, running_redis
from support.service_processes import SHORT, is_gone, kill, wait_for

from app.jobs.broker import WAKE_TASK, application

pytestmark = pytest.mark.process

LONG = 60
"""Epochs that last until something has happened."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A server of this file's own, since it is stopped."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path, postgres: Postgres
) -> Iterator[Deployment]:
    """An API and two workers that share a WORK_DIR, on a Redis of their own; a language to predict with."""
    with postgres.database() as url, running_redis() as redis:
        directory = tmp_path_factory.mktemp("deployment")
        deployment = Deployment(directory, tiny_backbone_dir, database_url=url, redis=redis, log_level="info")
        deployment.start_api()
        two_workers(deployment)
        deployment.finish(deployment.adapter(lang="sw"))
        yield deployment
        deployment.close()
        assert deployment.processes() == []


@pytest.fixture
def served(running: Deployment) -> Deployment:
    """The same with both workers alive, whatever an earlier test did to them."""
    two_workers(running)
    return running


def two_workers(deployment: Deployment) -> None:
    for _ in range(2 - len(deployment.processes("runner"))):
        deployment.worker()
    wait_for(lambda: deployment.workers() >= 2, message="the workers were not heard")


def worker_of(process: psutil.Process) -> psutil.Process:
    worker = process.parent()
    assert worker is not None
    return worker


def test_case_1_a_killed_job_process_is_tried_again_and_publishes_once(served: Deployment) -> None:
    job = served.adapter(lang="de", epochs=LONG)
    served.reached(job, "training")
    kill(served.one("job"))
    (ended,) = served.finish(job)
    assert served.published_once(ended).attempt == 2
    assert served.made(ended).version == 1
    assert "SIGKILL" in served.logs(job)


def test_case_2_a_killed_worker_takes_its_job_process_along_and_another_goes_on(served: Deployment) -> None:
    job = served.ticket(epochs=LONG)
    served.reached(job, "training", step=30)
    process = served.one("job")
    worker = worker_of(process)
    kill(worker)
    _, alive = psutil.wait_procs([process], timeout=5)
    assert alive == []
    (ended,) = served.finish(job)
    assert served.published_once(ended).attempt == 2
    assert "attempt 2: resuming" in served.logs(job)  # on another machine, as far as it can tell: WORK_DIR is shared


def test_case_5_redis_flushed_with_queued_and_running_jobs(served: Deployment) -> None:
    jobs = [served.ticket(epochs=60), served.adapter(lang="fr", epochs=60), served.ticket(), served.adapter(lang="fr")]
    served.reached(jobs[0], "training")
    served.redis.flush()
    for ended in served.finish(*jobs):
        assert served.published_once(ended).attempt == 1


def test_case_6_redis_away(served: Deployment) -> None:
    """Two minutes are shortened to the moments that it takes: nothing here waits for Redis, so none can be missed."""
    served.redis.stop()
    try:
        job = served.ticket()
        assert served.predict("sw").status_code == 200
        served.finish(job)
        late = served.ticket(epochs=60)
    finally:
        served.redis.start()
    for ended in served.finish(job, late, served.ticket()):
        assert served.published_once(ended).attempt == 1


def test_case_7_postgres_restarted_during_training(served: Deployment, postgres: Postgres) -> None:
    job = served.ticket(epochs=LONG)
    served.reached(job, "training", step=30)
    process = served.one("job")
    postgres.stop()
    time.sleep(1.5 * float(SHORT["lease_s"]))  # longer than the lease, which no worker can take over
    assert process.is_running()
    postgres.start()
    (ended,) = served.finish(job)
    assert served.published_once(ended).attempt == 1


def test_case_8_postgres_away(served: Deployment, postgres: Postgres) -> None:
    assert served.predict("sw").status_code == 200
    body = {"corpus": {"texts": ["The dog runs.", "The cow sleeps."]}}
    postgres.stop()
    try:
        for refused in (served.http.post("/tickets", json=body), served.http.get("/jobs")):
            assert refused.status_code == 503, refused.text
            assert int(refused.headers["Retry-After"]) > 0
            assert refused.json()["error"] == "database_unavailable"
        assert served.http.get("/healthz").status_code == 200
        assert served.predict("sw").status_code == 200
    finally:
        postgres.start()
    served.finish(wait_for(lambda: accepted(served), message="nothing was accepted any more"))


def accepted(deployment: Deployment) -> object:
    try:
        return deployment.ticket()
    except AssertionError:
        return None


def test_case_13_cancelling_what_is_queued_running_and_finished(served: Deployment) -> None:
    running = [served.ticket(epochs=1000, batch_size=1), served.ticket(epochs=1000, batch_size=1)]
    for job in running:
        served.reached(job, "training")
    processes = served.processes("job")
    queued = served.ticket(epochs=1000, batch_size=1)
    for job in (queued, *running):
        assert served.http.post(f"/jobs/{job.id}/cancel").status_code == 202
    assert served.job(queued.id).status == "cancelled"
    _, alive = psutil.wait_procs(processes, timeout=15)
    assert alive == []
    for ended in served.finish(queued, *running):
        assert ended.status == served.made(ended).status == "cancelled"
        again = served.http.post(f"/jobs/{ended.id}/cancel")
        assert (again.status_code, again.json()["error"]) == (409, "job_finished")


def test_case_9_an_api_killed_between_commit_and_message(served: Deployment) -> None:
    api = next(process for process in served.processes() if "api" in process.cmdline())
    served.redis.freeze(frozen=True)
    try:
        job = served.ticket()
        kill(api)  # the thread that rings is waiting for Redis
        psutil.wait_procs([api], timeout=10)
    finally:
        served.redis.freeze(frozen=False)
    served.published_once(served.finish(job)[0])


def test_case_3_a_frozen_worker_loses_its_job_and_its_late_result_is_refused(
    make_deployment: Callable[..., Deployment],
) -> None:
    deployment = make_deployment()
    first = psutil.Process(deployment.worker().pid)
    job = deployment.submit_ticket(epochs=LONG)
    deployment.reached(job, "training")
    stale = deployment.one("job")
    for process in (stale, first):
        kill(process, signal.SIGSTOP)
    deployment.worker()
    # one that is frozen within a transaction keeps the job's row locked until the server ends its session
    wait_for(lambda: deployment.job(job.id).attempt == 2, timeout_s=150, message="no worker took the job over")
    kill(stale, signal.SIGCONT)  # its training goes on, and its runner is still frozen
    (ended,) = deployment.finish(job)
    assert deployment.published_once(ended).attempt == 2
    psutil.wait_procs([stale], timeout=30)
    assert is_gone(stale)
    kill(first, signal.SIGCONT)
    wait_for(lambda: deployment.workers() == 2, message="the worker that was frozen did not come back")
    deployment.published_once(ended)


def test_case_4_one_message_delivered_ten_times_at_once(make_deployment: Callable[..., Deployment]) -> None:
    deployment = make_deployment(poll_s=600, log_level="info")
    message = message_of(deployment, "0" * 32)
    workers = [deployment.worker(), deployment.worker()]
    wait_for(lambda: listeners(deployment) == 2, message="the workers did not listen")
    job = deployment.submit_ticket(epochs=60)
    body = base64.b64decode(message["body"]).replace(b"0" * 32, job.id.encode())
    text = json.dumps(message | {"body": base64.b64encode(body).decode()})
    together = threading.Barrier(10)

    def deliver() -> None:
        with deployment.redis.client() as client:
            client.ping()
            together.wait()
            client.lpush("tickets", text)

    threads = [threading.Thread(target=deliver) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (ended,) = deployment.finish(job)
    assert deployment.published_once(ended).attempt == 1
    with deployment.redis.client() as client:  # all were received, not only the first
        wait_for(lambda: client.llen("tickets") == 0, message="messages were left")
    quiet, notified = deployment.submit_ticket(epochs=1), deployment.submit_ticket(epochs=1)
    notify(deployment, notified.id)  # the worker that gets it does that job, then looks for others before it waits
    deployment.finish(quiet, notified)
    deployment.redis.freeze(frozen=True)
    for worker in workers:
        worker.terminate()
        assert worker.wait(timeout=20) == 0
    deployment.redis.freeze(frozen=False)


def listeners(deployment: Deployment) -> int:
    """How many clients wait for a message."""
    with deployment.redis.client() as client:
        return sum(each["cmd"] == "brpop" for each in client.client_list())


def notify(deployment: Deployment, job_id: str) -> None:
    application(deployment.redis.url).send_task(WAKE_TASK, args=[job_id], queue="tickets")


def message_of(deployment: Deployment, job_id: str) -> dict[str, Any]:
    """The message that the API sends for a job, taken off its queue before a worker listens."""
    notify(deployment, job_id)
    with deployment.redis.client() as client:
        message: dict[str, Any] = json.loads(client.rpop("tickets"))
    return message


def test_case_12_a_job_without_enough_memory_is_not_tried_again_and_the_queue_moves_on(
    make_deployment: Callable[..., Deployment],
) -> None:
    deployment = make_deployment(max_attempts=3)
    deployment.worker()
    text = [b"the dog runs in the house " * 40 + b"%d\n" % line for line in range(300)]
    hungry = deployment.submit_ticket(lines=text, batch_size=300, epochs=1000)
    modest = deployment.submit_ticket(epochs=1)
    deployment.reached(hungry, "training")
    process = deployment.one("job")
    enough = process.memory_info().data + (48 << 20)  # for whatever is small; a step of this batch is not
    process.rlimit(psutil.RLIMIT_DATA, (enough, resource.RLIM_INFINITY))
    failed, done = deployment.finish(hungry, modest)
    assert (failed.status, failed.error_code, failed.attempt) == ("failed", "out_of_memory", 1)
    assert "mlm.max_length" in (failed.error_detail or "")
    deployment.published_once(done)


def test_machines_that_share_no_folder_start_afresh_and_say_so(make_deployment: Callable[..., Deployment]) -> None:
    deployment = make_deployment()
    first = deployment.worker(work_dir=deployment.settings.data_dir / "here")
    job = deployment.submit_ticket(epochs=LONG)
    deployment.reached(job, "training", step=30)
    first.kill()
    deployment.worker(work_dir=deployment.settings.data_dir / "there", redis_url=None)
    (ended,) = deployment.finish(job)
    assert deployment.published_once(ended).attempt == 2
    assert "starting afresh" in deployment.logs(job)


def test_a_worker_serves_its_queues_only_with_redis_out_of_reach(make_deployment: Callable[..., Deployment]) -> None:
    deployment = make_deployment()
    worker = deployment.worker(queues="adapters,predictions", redis_url=f"redis://127.0.0.1:{free_port()}/0")
    ticket, adapter = deployment.submit_ticket(), deployment.submit_adapter()
    assert deployment.finish(adapter)[0].status == "succeeded"
    assert deployment.job(ticket.id).status == "queued"
    worker.terminate()
    assert worker.wait(timeout=10) == 0
