"""`ltp` in a process of its own for each of hundreds of commands: forked from one that has imported everything.

The child is what `ltp` is after its imports: it has only the environment, the folder and the streams that it is given,
runs `app.cli.main` and ends as Python ends. `python -m support.forked_cli` is the parent, one JSON document a line.
What the imports are, and that a command makes them, is for tests that start `ltp` itself: `test_local`, `test_wheel`.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

from support.cli_process import NOWHERE, ROOT, Done

LONGEST_S = 60
PRELOADED = (
    "alembic.command",
    "httpx",
    "rich.console",
    "rich.table",
    "rich.progress",
    "typer.rich_utils",
    "app.cli.client",
    "app.cli.watch",
    "app.cli.environment_failure",
    "app.cli.reproduce.command",
    "app.serve.embedded",
    "app.storage.backup",
    "ltp.reproduce.reproduction",
    "ltp.text.examples",
)
CLOSED = "closed"
UNREAD = "unread"
"""A pipe whose reader has gone."""


class ForkedCli:
    """Runs commands, one after the other."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process, self._folder = process, folder

    def __call__(
        self,
        *arguments: str,
        env: Mapping[str, str],
        stdin: bytes = b"",
        stdout: str | None = None,
        cwd: Path = ROOT,
        longest_s: int = LONGEST_S,
    ) -> Done:
        """Run `ltp` with exactly this environment; `stdout` is a path, CLOSED or UNREAD."""
        given, out, err = (self._folder / name for name in ("in", "out", "err"))
        given.write_bytes(stdin)
        out.write_bytes(b"")
        request = {
            "arguments": arguments,
            "env": dict(env),
            "cwd": str(cwd),
            "longest_s": longest_s,
            "in": str(given),
            "out": stdout or str(out),
            "err": str(err),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return Done(code, out.read_text("utf-8", "replace"), err.read_text("utf-8", "replace"))


@contextmanager
def forked_cli(folder: Path) -> Iterator[ForkedCli]:
    """Start the parent; end it when the block ends."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    with subprocess.Popen(
        [sys.executable, "-m", "support.forked_cli"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": paths},
    ) as process:
        yield ForkedCli(process, folder)
        process.kill()


def _become(request: dict[str, Any]) -> None:
    """Take the environment, the folder and the streams of a command."""
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    signal.alarm(request["longest_s"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(os.open(request["in"], os.O_RDONLY), 0)
    os.dup2(os.open(request["err"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    sys.stdin, sys.stderr = (
        io.TextIOWrapper(io.FileIO(number, mode), "utf-8") for number, mode in ((0, "r"), (2, "w"))
    )
    sys.argv = ["ltp", *request["arguments"]]
    sys.modules["__main__"].__package__ = None  # or its usage is said to be `python -m support.ltp`
    if request["out"] == CLOSED:
        os.close(1)
        sys.stdout = None  # type: ignore[assignment]
        return
    if request["out"] == UNREAD:
        read, write = os.pipe()
        os.close(read)
        os.dup2(write, 1)
    else:
        os.dup2(os.open(request["out"], os.O_WRONLY), 1)
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w")), request["env"].get("PYTHONIOENCODING", "utf-8"))


def _preload() -> None:
    """Import what commands import, and run one that finds no service: what is kept in caches is found once."""
    for name in PRELOADED:
        importlib.import_module(name)
    os.environ["LTP_URL"] = NOWHERE
    said = io.TextIOWrapper(io.BytesIO())
    with suppress(SystemExit), redirect_stdout(said), redirect_stderr(said):
        importlib.import_module("app.cli.program").root(["job", "list", "--json"], prog_name="ltp")
    gc.freeze()  # children collect nothing of this, so they need no copy of it


def _serve() -> dict[str, Any]:
    """Fork for each request; returns it in the child."""
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        child = os.fork()
        if child == 0:
            return request
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
    sys.exit()


if __name__ == "__main__":
    _preload()
    _become(_serve())
    from app.cli import main

    main()
