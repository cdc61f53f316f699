"""The faults that a soak injects. Each is given a job and tells whether it struck; what ends it is done later.

Every fault comes without warning: SIGKILL, SIGSTOP beyond the lease, FLUSHALL, an immediate stop of the database.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import psutil
from support.service_processes import kill
from support.service_under_test import DeployedService, ServiceUnderTest

ORPHAN_S = 5.0
"""A job's process must be gone so soon after its runner."""

Fault = Callable[[str], bool]


class FaultInjector:
    """The faults that suit a service. `run_due` ends earlier ones: it thaws, and starts again."""

    def __init__(self, service: ServiceUnderTest, *, chance: random.Random) -> None:
        self.service, self.random = service, chance
        self.orphans: list[str] = []
        self._later: list[tuple[float, Callable[[], object]]] = []
        self._frozen = self._redis_away = False
        self.faults: dict[str, tuple[float, Fault]] = {
            "job killed": (30, self.kill_job),
            "worker killed": (25, self.kill_worker),
        }
        if isinstance(service, DeployedService):
            self.faults |= {
                "worker and job frozen past the lease": (14, self.freeze),
                "redis killed": (8, self.kill_redis),
                "redis frozen": (4, self.freeze_redis),
                "redis flushed": (10, self.flush_redis),
                "api killed": (5, self.kill_api),
                "postgres crashed": (4, self.crash_postgres),
            }

    def choose(self) -> tuple[str, Fault]:
        names = list(self.faults)
        (name,) = self.random.choices(names, [self.faults[each][0] for each in names])
        return name, self.faults[name][1]

    def run_due(self, *, everything: bool = False) -> None:
        """Do what is due, or everything that is left."""
        moment = time.monotonic()
        ripe = [entry for entry in self._later if everything or entry[0] <= moment]
        self._later = [entry for entry in self._later if entry not in ripe]
        for _, act in ripe:
            act()

    def kill_job(self, job_id: str) -> bool:
        found = self._find(job_id)
        if found is not None:
            kill(found[0])
        return found is not None

    def kill_worker(self, job_id: str) -> bool:
        found = self._find(job_id)
        if found is None:
            return False
        process, worker = found
        kill(worker)
        _, alive = psutil.wait_procs([process], timeout=ORPHAN_S)
        self.orphans += [str(orphan) for orphan in alive]
        return True

    def freeze(self, job_id: str) -> bool:
        """Stop a job and its runner for longer than their lease; the job first wakes alone and tries to go on."""
        found = self._find(job_id)
        if found is None or self._frozen:
            return False
        self._frozen = True
        process, worker = found
        kill(worker, signal.SIGSTOP)
        kill(process, signal.SIGSTOP)
        lease = self.service.stack.settings.lease_s
        wakes = self.random.uniform(1.4 * lease, 2.2 * lease)
        self._after(wakes, lambda: kill(process, signal.SIGCONT))
        self._after(wakes + self.random.uniform(0.2, 2), lambda: self._thaw(worker))
        return True

    def _thaw(self, worker: psutil.Process) -> None:
        kill(worker, signal.SIGCONT)
        self._frozen = False

    def kill_redis(self, _: str) -> bool:
        if self._redis_away:
            return False
        self._redis_away = True
        self._deployment.redis.stop()
        self._after(self.random.uniform(0.2, 6), self._redis_back)
        return True

    def freeze_redis(self, _: str) -> bool:
        if self._redis_away:
            return False
        self._redis_away = True
        self._deployment.redis.freeze(frozen=True)
        self._after(self.random.uniform(1, 8), self._redis_thaws)
        return True

    def flush_redis(self, _: str) -> bool:
        if not self._redis_away:
            self._deployment.redis.flush()
        return not self._redis_away

    def kill_api(self, _: str) -> bool:
        self.service.running["api"].kill()
        self.service.running["api"].wait()
        return True

    def crash_postgres(self, _: str) -> bool:
        self._deployment.restart_postgres(pause_s=self.random.uniform(0, 1.5))
        return True

    def _redis_back(self) -> None:
        self._deployment.redis.start()
        self._redis_away = False

    def _redis_thaws(self) -> None:
        self._deployment.redis.freeze(frozen=False)
        self._redis_away = False

    @property
    def _deployment(self) -> DeployedService:
        assert isinstance(self.service, DeployedService)
        return self.service

    def _find(self, job_id: str) -> tuple[psutil.Process, psutil.Process] | None:
        for found, process, worker in self.service.jobs():
            with suppress(psutil.NoSuchProcess):  # one may end while it is asked
                if found == job_id and psutil.STATUS_STOPPED not in (process.status(), worker.status()):
                    return process, worker
        return None

    def _after(self, seconds: float, act: Callable[[], object]) -> None:
        self._later.append((time.monotonic() + seconds, act))
