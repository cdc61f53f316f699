"""A user without a home, as containers start them: what needs no folder of the user's own works, the rest says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cli_process import LTP, NOWHERE, Done, environment

pytestmark = pytest.mark.process

NAMELESS = 54321
"""No user of any machine has this number."""
as_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="needs root and setpriv, to become another user",
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the nameless user may write to; pytest's own are shut to others."""
    with tempfile.TemporaryDirectory(prefix="ltp-nameless-") as name:
        os.chown(name, NAMELESS if os.geteuid() == 0 else -1, -1)
        yield Path(name)


def run(*arguments: str, user: int | None = None, **settings: str) -> Done:
    """Run `ltp` without HOME, as another user if that is given."""
    env = {name: value for name, value in environment(**settings).items() if name not in {"HOME", "XDG_DATA_HOME"}}
    become = [] if user is None else ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    command = [*become, str(LTP), *arguments]
    done = subprocess.run(command, capture_output=True, env=env, cwd="/", timeout=120, check=False)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@as_root
def test_a_client_command_needs_no_folder(folder: Path) -> None:
    done = run("job", "list", "--json", user=NAMELESS, url=NOWHERE)
    assert (done.code, done.json["error"]) == (1, "no_service")


@as_root
def test_with_both_folders_given_it_works(folder: Path) -> None:
    done = run("migrate", "--json", user=NAMELESS, data_dir=str(folder), backbone_dir=str(folder))
    assert (done.code, done.err) == (0, "")
    assert (folder / "ltp.sqlite3").stat().st_uid == NAMELESS


@as_root
@pytest.mark.parametrize("command", [["settings", "--json"], ["migrate", "--json"], ["backbone", "prepare", "--json"]])
def test_without_folders_one_sentence_names_the_setting(command: list[str]) -> None:
    done = run(*command, user=NAMELESS)
    assert (done.code, done.json["error"]) == (1, "no_home_directory")
    assert done.err.count("\n") == 1
    assert "LTP_BACKBONE_DIR" in done.err


def test_a_user_with_a_name_needs_no_home_variable() -> None:
    done = run("settings", "--json")
    assert (done.code, done.err) == (0, "")
