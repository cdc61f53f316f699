"""A real service on a tiny backbone, started once for all tests here, with a ticket and an adapter in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.cli_process import Done, labelled_pairs, run, serving
from support.needs import PROCESS, needs
from support.running_service import wait_until

Run = Callable[..., Done]


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the service keeps everything."""
    return tmp_path_factory.mktemp("service") / "data"


@pytest.fixture(scope="session")
@needs(PROCESS)
def service(tiny_backbone_dir: Path, data_dir: Path) -> Iterator[str]:
    """The address of a running service that all tests here share, of which a worker was heard."""
    with serving("serve", backbone=tiny_backbone_dir, data=data_dir) as url:
        wait_until(lambda: httpx.get(f"{url}/workers", trust_env=False).json()["items"], 240)
        yield url


@pytest.fixture(scope="session")
def ltp(service: str) -> Run:
    """`ltp` talking to the service."""

    def call(*arguments: str | Path, stdin: bytes = b"") -> Done:
        return run(*arguments, url=service, stdin=stdin)

    return call


@pytest.fixture(scope="session")
def pairs_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """36 labelled pairs on 12 premises."""
    path = tmp_path_factory.mktemp("pairs") / "pairs.tsv"
    words = ["dog", "cat", "horse", "bird", "cow", "farmer", "teacher", "doctor", "nurse", "girl", "boy", "child"]
    path.write_text(labelled_pairs(words), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def ticket(ltp: Run) -> dict[str, Any]:
    """A ticket made by a short MLM run."""
    bounds = ["--sample", "80", "--epochs", "1", "--batch-size", "16"]
    done = ltp("ticket", "create", "--name", "first", "--builtin", "demo", "--ratio", "0.2", *bounds, "--json")
    assert done.code == 0, done.err
    made: dict[str, Any] = done.json["ticket"]
    return made


@pytest.fixture(scope="session")
def adapter(ltp: Run, ticket: dict[str, Any], pairs_file: Path) -> dict[str, Any]:
    """An English adapter on that ticket, and the `production` one."""
    chosen = ["--lang", "en", "--alias", "production", "--ticket", "first"]
    done = ltp("adapter", "train", pairs_file, *chosen, "--epochs", "2", "--json")
    assert done.code == 0, done.err
    made: dict[str, Any] = done.json["adapter"]
    assert made["ticket"] == ticket["id"]
    return made
