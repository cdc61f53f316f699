"""The processes that train a drift with a job's own, one for each further device: started, watched, and ended.

A process that is lost ends the run. On CPUs the others notice when they next add up; on GPUs they may wait for it for
ever, so the job's process is then ended from outside of its computation.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import AppError
from app.settings import Settings
from ltp.errors import LTPError
from ltp.progress import Progress, ProgressCallback
from worker.job_process import describe_exit
from worker.rank_task import MEETING, TASK, Failure, RankTask, failure, ready

if TYPE_CHECKING:
    from ltp.compute.ranks import Ranks

LOOK_S = 0.05
"""How often the job's process looks whether the others are ready."""
NOTICE_S = 60.0
"""How soon the job's process must notice by itself that another is lost: a step on a CPU takes seconds."""
END_S = 10.0
"""How long a process may take to end when there is nothing left to do."""
LOST = 70
"""Exit code of a job's process that waits for a lost one (EX_SOFTWARE)."""


class RankLost(Exception):
    """A process that trained with the job's is gone; what it says names its device."""


class _Rank:
    """One further process."""

    def __init__(self, settings: Settings, folder: Path, number: int, device: str) -> None:
        self.number, self._device, self._folder = number, device, folder
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "worker.rank", str(folder), str(number), str(os.getpid())],
            stdin=subprocess.PIPE,  # its end tells the child that this process is gone
            env=settings.environment(),  # in the job's process group: it is killed, and reaped, with the job
        )

    def poll(self) -> int | None:
        """Return the exit code once it has ended."""
        return self._process.poll()

    def is_ready(self) -> bool:
        """Whether it has loaded what it needs."""
        return ready(self._folder, self.number).exists()

    def why_lost(self) -> Exception:
        """Say why it ended."""
        code = self._process.wait()
        with suppress(OSError, ValueError):
            told = Failure.model_validate_json(failure(self._folder, self.number).read_bytes())
            what = f"rank {self.number}, on {self._device}, failed: {told.what}"
            return MemoryError(what) if told.out_of_memory else RankLost(what)
        return RankLost(f"rank {self.number}, on {self._device}, is gone: {describe_exit(code)}")

    def end(self, *, by: float) -> None:
        """Let it end until then by the monotonic clock, and see to it that it has."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, by - time.monotonic()))
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()


class _Watch:
    """Looks after the processes until `stop`; `lost` is why the first that was lost is."""

    def __init__(self, ranks: list[_Rank], give_up: Callable[[Exception], None]) -> None:
        self._ranks, self._give_up = ranks, give_up
        self._over = threading.Event()
        self._noticed = threading.Event()
        self.lost: Exception | None = None
        threading.Thread(target=self._run, name="rank-watch", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self._noticed.set()

    def wait(self, seconds: float) -> Exception | None:
        """Return why one is lost, if that shows in time."""
        deadline = time.monotonic() + seconds
        while self.lost is None and time.monotonic() < deadline:
            time.sleep(LOOK_S)
        return self.lost

    def _run(self) -> None:
        while not self._over.wait(LOOK_S):
            gone = next((rank for rank in self._ranks if rank.poll() not in (None, 0)), None)
            if gone is not None:
                self.lost = gone.why_lost()
                if not self._noticed.wait(NOTICE_S):
                    self._give_up(self.lost)
                return


@contextmanager
def joined_ranks(
    task: RankTask, folder: Path, *, settings: Settings, report: ProgressCallback, tell: Callable[[str], None]
) -> Iterator[Ranks]:
    """Be rank 0 of the task's devices, with a process for each of the others that ends with the block.

    `report` is called while they load the backbone, and `tell` with why the process is about to be ended.

    Raises:
        RankLost: another process is gone, or could not go on.
        MemoryError: that was for want of memory.
    """
    from ltp.compute.ranks import joined

    def give_up(lost: Exception) -> None:
        try:
            tell(str(lost))
        finally:
            os._exit(LOST)

    task.write(folder)
    others = [_Rank(settings, folder, number, device) for number, device in enumerate(task.devices) if number]
    watch, end_by = _Watch(others, give_up), 0.0
    try:
        _wait_until_ready(others, watch, report)
        (folder / TASK).unlink(missing_ok=True)  # it holds texts, and all have read it
        with joined(folder / MEETING, number=0, size=len(task.devices), device=task.devices[0]) as ranks:
            yield ranks
        end_by = time.monotonic() + END_S
    except (LTPError, AppError):
        raise
    except Exception as error:
        lost = watch.wait(END_S)
        if lost is None or lost is error:
            raise
        raise lost from error
    finally:
        watch.stop()
        for rank in others:
            rank.end(by=end_by)


def _wait_until_ready(others: list[_Rank], watch: _Watch, report: ProgressCallback) -> None:
    while not all(rank.is_ready() for rank in others):
        report(Progress("backbone", sum(rank.is_ready() for rank in others), len(others)))
        lost = watch.wait(LOOK_S)
        if lost is not None:
            raise lost
