"""How long it takes until the job of a dead worker runs again, with the default leases, heartbeats and sweeps.

    python -m tests.faults.takeover_time --kills 10 [--seed N]

Kills the worker that has the job, at any moment between two heartbeats, and waits until another one runs it. Prints
each time and the longest; exits with 1 if that is more than the promised 75 seconds.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[1]))

from support.deployment import Deployment
from support.servers import running_postgres, running_redis
from support.service_processes import kill, seed_from_environment, wait_for
from support.tiny_backbone import write_tiny

from app.settings import Settings
from app.storage.models import JobRow

PROMISED_S = 75
DEFAULTS = {name: Settings.model_fields[name].default for name in ("lease_s", "heartbeat_s", "sweep_s", "poll_s")}


def at_work(deployment: Deployment, job: JobRow, attempt: int) -> psutil.Process:
    """The process of an attempt, frozen: it need not compute, and its runner keeps the lease all the same."""

    def find() -> psutil.Process | None:
        for process in deployment.processes("job"):
            with suppress(psutil.NoSuchProcess):  # another attempt's may end while it is asked
                command = process.cmdline()
                if command[command.index("worker.job") + 1 :][:2] == [job.id, str(attempt)]:
                    return process
        return None

    process = wait_for(find, message="the job has no process")
    kill(process, signal.SIGSTOP)
    return process


def takeover_seconds(deployment: Deployment, job: JobRow, *, chance: random.Random) -> float:
    """Kill the worker that has the job; return the seconds until the job runs again."""
    before = wait_for(lambda: (now := deployment.job(job.id)).status == "running" and now, message="it does not run")
    worker = at_work(deployment, job, before.attempt).parent()
    assert worker is not None
    time.sleep(chance.uniform(0, deployment.settings.heartbeat_s))
    kill(worker)
    began = time.monotonic()
    deployment.worker()  # as a supervisor of workers would
    wait_for(
        lambda: (now := deployment.job(job.id)).attempt > before.attempt and now.status == "running",
        timeout_s=4 * PROMISED_S,
        message="the job was not taken over",
    )
    return time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    chance = random.Random(seed_from_environment() if options.seed is None else options.seed)
    taken: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="ltp-takeover-") as directory,
        running_postgres() as postgres,
        running_redis() as redis,
        postgres.database() as url,
    ):
        root = Path(directory)
        settings = {**DEFAULTS, "max_attempts": 1000, "stall_s": 86_400}
        deployment = Deployment(root / "data", write_tiny(root / "tiny"), database_url=url, redis=redis, **settings)
        try:
            for _ in range(2):
                deployment.worker()
            job = deployment.submit_ticket(epochs=1000)
            while len(taken) < options.kills:
                taken.append(takeover_seconds(deployment, job, chance=chance))
                print(f"kill {len(taken)}: the job ran again after {taken[-1]:.1f} s", flush=True)  # noqa: T201
        finally:
            deployment.close()
    print(f"{len(taken)} kills: taken over after {min(taken):.1f} s at best, {max(taken):.1f} s at worst")  # noqa: T201
    return 0 if max(taken) <= PROMISED_S else 1


if __name__ == "__main__":
    sys.exit(main())
