"""How an attempt is settled whose process died: for want of memory once and for all, by any other kill again."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from support.registry_rows import make_adapter, take

from app.settings import Settings
from app.storage.database import Database
from app.storage.models import JobRow
from worker.end import End, record_end
from worker.oom_kills import OomKills

SETTINGS = Settings(_env_file=None, max_attempts=3)  # type: ignore[call-arg]
COUNTERS = {
    "second version": ("0::/a/pod\n", "sys/fs/cgroup/a/pod/memory.events", "low 0\nmax 3\noom 1\noom_kill {}\n"),
    "second version, seen from inside": ("0::/\n", "sys/fs/cgroup/memory.events", "oom_kill {}\n"),
    "first version": (
        "4:memory:/pod\n0::/\n",
        "sys/fs/cgroup/memory/pod/memory.oom_control",
        "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n",
    ),
    "first version, seen from inside": (
        "4:memory:/docker/abc\n",
        "sys/fs/cgroup/memory/memory.oom_control",
        "under_oom 0\noom_kill {}\n",
    ),
    "the machine's": ("", "proc/vmstat", "pgfault 12\noom_kill {}\n"),
}


@pytest.mark.parametrize("counter", COUNTERS)
def test_a_kill_by_the_kernel_is_told_from_its_counters(counter: str, tmp_path: Path) -> None:
    groups, name, text = COUNTERS[counter]
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(groups)
    path.write_text(text.format(7))
    kills = OomKills(tmp_path)
    assert not kills.happened()
    path.write_text(text.format(8))
    assert kills.happened()


def test_where_nothing_is_counted_no_kill_is_the_kernels(tmp_path: Path) -> None:
    assert not OomKills(tmp_path / "nothing").happened()
    assert not OomKills().happened()


@pytest.mark.parametrize(
    ("end", "code", "oom", "outcome"),
    [
        (End.EXITED, -signal.SIGKILL, True, ("failed", "out_of_memory")),
        (End.EXITED, -signal.SIGKILL, False, ("queued", None)),
        (End.EXITED, -signal.SIGSEGV, True, ("queued", None)),
        (End.STALLED, -signal.SIGKILL, True, ("queued", None)),
        (End.SHUTDOWN, -signal.SIGKILL, True, ("queued", None)),
    ],
)
def test_only_what_the_kernel_took_is_not_tried_again(
    db: Database, end: End, code: int, oom: bool, outcome: tuple[str, str | None]
) -> None:
    job = make_adapter(db)[1]
    claim = take(db)
    with db.write() as session:
        record_end(session, claim, end, code, oom=oom, settings=SETTINGS)
    with db.read() as session:
        now = session.get_one(JobRow, job.id)
    assert (now.status, now.error_code) == outcome
    if outcome[0] == "failed":
        assert "training.max_length" in str(now.error_detail)
