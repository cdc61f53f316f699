"""What a test needs beyond this process, as markers: derived from its fixtures, and held to while it runs.

`make quick` leaves the marked tests out. A fixture says what it needs with `@needs`, and every test that uses it gets
the marker; a test that needs something by itself is marked where it stands. An unmarked test that starts a process,
listens on a socket or opens the files of `mini` is stopped there, so that no marker can be forgotten.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import platformdirs
import pytest

Function = TypeVar("Function", bound=Callable[..., Any])

PROCESS, POSTGRES, SLOW = "process", "postgres", "slow"
STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"}
LISTENS = "socket.bind"
CACHE = str(platformdirs.user_cache_path("ltp"))
"""Where `ltp backbone prepare mini` puts its files."""


def needs(marker: str) -> Callable[[Function], Function]:
    """Say what a fixture needs; stands below `@pytest.fixture`."""

    def note(fixture: Function) -> Function:
        fixture.__dict__["needs"] = marker
        return fixture

    return note


def add_markers(item: pytest.Function) -> None:
    """Mark a test for what its fixtures need; a parameter called `postgres` is a fixture's choice of that server."""
    for definitions in item._fixtureinfo.name2fixturedefs.values():
        marker = getattr(definitions[-1].func, "needs", None)
        if marker is not None:
            item.add_marker(marker)
    chosen = item.callspec.params.values() if hasattr(item, "callspec") else ()
    if any(isinstance(value, str) and value == POSTGRES for value in chosen):
        item.add_marker(POSTGRES)


class Watch:
    """An audit hook that stops what the running test is not marked for."""

    def __init__(self) -> None:
        self._item: pytest.Item | None = None
        self._refused: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._item is None:
            return
        if event in STARTS or event == LISTENS:
            if not self._has(PROCESS, POSTGRES):
                what = "listens on a socket" if event == LISTENS else f"starts a process ({event} {arguments[:2]})"
                self._refuse(f"this test {what}: mark it `process`, or `postgres` if that is the server it starts")
        elif event == "open" and not self._has(SLOW) and _is_in_cache(arguments[0]):
            self._refuse(f"this test reads {arguments[0]}, which `make setup` prepares: mark it `slow`")

    def run(self, item: pytest.Item) -> Iterator[None]:
        """Watch a test and the making of its fixtures."""
        self._item, self._refused = item, []
        try:
            yield
        finally:
            self._item = None

    def rest(self) -> None:
        """Watch no more: a test's end also ends what others have shared, a server that a session started say."""
        self._item = None

    def report(self) -> None:
        """Fail a test in which something was stopped, even if another thread was told or the code went on."""
        if self._refused:
            pytest.fail(self._refused[0], pytrace=False)

    def _has(self, *markers: str) -> bool:
        assert self._item is not None
        return any(self._item.get_closest_marker(marker) for marker in markers)

    def _refuse(self, sentence: str) -> None:
        self._refused.append(sentence)
        pytest.fail(sentence)


def _is_in_cache(path: object) -> bool:
    return isinstance(path, str | bytes | os.PathLike) and os.fsdecode(path).startswith(CACHE)
