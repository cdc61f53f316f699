"""`ltp` as a process: a command run to its end, or a service; and files to give to them."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.servers import free_port

if TYPE_CHECKING:
    from support.forked_cli import ForkedCli

LTP = Path(sys.executable).with_name("ltp")
ROOT = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:9"
LONGEST_S = 280
"""Seconds a command may take: less than a test, whose end would leave it running."""


@dataclass(frozen=True)
class Done:
    """What a finished command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(**settings: str) -> dict[str, str]:
    """This environment without settings of LTP's, and with these."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("LTP_")}
    return plain | {f"LTP_{name.upper()}": value for name, value in settings.items()}


def run(*arguments: str | Path, url: str = NOWHERE, stdin: bytes = b"", cwd: Path = ROOT, **settings: str) -> Done:
    """Run `ltp` to its end, in a process of its own that need not import everything again."""
    sys.audit("os.fork")  # the parent's fork: this test must be marked `process`
    env = environment(url=url, **settings)
    try:
        return _parent()(*map(str, arguments), env=env, stdin=stdin, cwd=cwd, longest_s=LONGEST_S)
    except BaseException:  # its answer would be taken for that of the next command
        _parent.cache_clear()
        raise


@cache
def _parent() -> ForkedCli:
    """Start the process that all commands of this one are forked from; it ends with this one."""
    from support.forked_cli import forked_cli

    opened = ExitStack()
    atexit.register(opened.close)
    folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="ltp-cli-"))
    return opened.enter_context(forked_cli(Path(folder)))


@contextmanager
def started(*arguments: str, backbone: Path, data: Path, cwd: Path | None = None, **changes: str) -> Iterator[Path]:
    """An `ltp` that runs until it is stopped, in the folder `cwd`, or here; yields its log."""
    settings = {"backbone": str(backbone), "threads": "1", "poll_s": "0.5", "auth": "off", "data_dir": str(data)}
    settings |= changes
    log = data.with_name(f"{arguments[0]}.log")
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [str(LTP), *arguments], stdout=sink, stderr=sink, env=environment(**settings), cwd=cwd
        )
    try:
        yield log
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def serving(command: str, *, backbone: Path, data: Path, cwd: Path | None = None, **changes: str) -> Iterator[str]:
    """`ltp serve` or `ltp api` on a port of its own, from ready to stopped; yields its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with started(command, "--port", str(port), backbone=backbone, data=data, cwd=cwd, **changes) as log:
        deadline = time.monotonic() + 240
        while not _ready(url):
            if time.monotonic() > deadline:
                pytest.fail(f"ltp {command} did not get ready:\n{log.read_text()}")
            time.sleep(0.1)
        yield url


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).is_success
    except httpx.TransportError:
        return False


def labelled_pairs(words: list[str]) -> str:
    """TSV with a header: for each word a premise with all three labels."""
    rows = ["premise\thypothesis\tlabel"]
    for word in words:
        premise = f"The {word} is in the house."
        rows.append(f"{premise}\tThe {word} is inside.\tentailment")
        rows.append(f"{premise}\tThe {word} is old.\tneutral")
        rows.append(f"{premise}\tThe {word} is not here.\tcontradiction")
    return "\n".join(rows) + "\n"
