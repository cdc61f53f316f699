"""Whether the kernel ended a process for want of memory: that looks like any SIGKILL, an operator's among them.

Told from the counters of this process's control group (a container's, with its limit), and of the machine. A job's
process is the first of all that the kernel takes, so when one was taken while a job's was killed, it was that one. What
remains to be confused is a kill by hand in the very attempt in which another container ran out of its own memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


class OomKills:
    """Notes the kernel's counts when it is made. `root` is where `/proc` and `/sys` are; only Linux has them."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._counters = [*_counters(root)]
        self._before = self._read()

    def happened(self) -> bool:
        """Tell whether a process was ended since."""
        return any(now > before for before, now in zip(self._before, self._read(), strict=True))

    def _read(self) -> list[int]:
        return [_count(path) for path in self._counters]


def _counters(root: Path) -> Iterator[Path]:
    """The files that may count, those of the second version of control groups first."""
    groups, mounted = root / "sys/fs/cgroup", [("", "memory.events"), ("memory", "memory.oom_control")]
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        for folder, name in mounted[:1] if number == "0" else mounted[1:] if controllers == "memory" else []:
            own = groups / folder / path.lstrip("/") / name
            yield own if own.is_file() else groups / folder / name  # in a container the group is its own root
    yield root / "proc/vmstat"


def _count(path: Path) -> int:
    """What a file of `name number` lines says of `oom_kill`; 0 where it says nothing."""
    for line in _text(path).splitlines():
        name, _, number = line.partition(" ")
        if name == "oom_kill" and number.strip().isdecimal():
            return int(number)
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
