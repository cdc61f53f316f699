"""Commands in environments that are wrong, some in each; `faults.cli_environments` tries all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from faults.cli_environments import ENVIRONMENTS, arguments, faults, trial
from support.forked_cli import ForkedCli
from support.needs import PROCESS, needs

from app.cli.program import root

STEP = 9
"""Of an environment's commands every so-manieth is tried here."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("environments")


@pytest.fixture(scope="module")
@needs(PROCESS)
def tried(folder: Path) -> Iterator[tuple[ForkedCli, int]]:
    with trial(folder) as made:
        yield made


def tree(group: Any, *before: str) -> Iterator[str]:
    """Name every command."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from tree(command, *before, name)
        else:
            yield " ".join([*before, name])


def test_every_command_has_its_arguments_here() -> None:
    assert sorted(tree(typer.main.get_command(root))) == sorted(arguments(Path(), 1))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_no_command_prints_a_traceback(name: str, tried: tuple[ForkedCli, int], folder: Path) -> None:
    ltp, port = tried
    assert not faults(ltp, name, folder, port, step=STEP)
