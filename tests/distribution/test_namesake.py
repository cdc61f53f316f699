"""An environment that also holds the index's other project named `ltp` is refused in one sentence, however started."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from distribution.conftest import Installed

import ltp
from app.namesake import OURS
from ltp.release import DISTRIBUTION

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "ltp", "ltp_client", "migrations", "worker")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MODULE, _, FUNCTION = PROJECT["scripts"]["ltp"].partition(":")
SCRIPT = f"import sys; from {MODULE} import {FUNCTION}; sys.argv[0] = 'ltp'; sys.exit({FUNCTION}())"
"""What pip writes as the program `ltp`."""
STARTS = [
    *(["-c", SCRIPT, *words] for words in (["--version"], ["serve"], ["api"], ["worker"], ["migrate"])),
    ["-m", "worker"],
]
THEIRS = {
    "ltp/__init__.py": "from .interface import LTP\n",
    "ltp/interface.py": "raise ImportError('this is theirs')\n",
}


@dataclass(frozen=True)
class Place:
    """A folder of packages, first on the path of the interpreter that the tests run in."""

    packages: Path

    def hold_ours(self) -> None:
        for name in PACKAGES:
            shutil.copytree(ROOT / name, self.packages / name, ignore=shutil.ignore_patterns("__pycache__"))

    def hold_theirs(self) -> None:
        for name, text in THEIRS.items():
            (self.packages / name).parent.mkdir(exist_ok=True)
            (self.packages / name).write_text(text, encoding="utf-8")

    def record(self, *files: str, version: str = "4.2.14") -> None:
        """The metadata of an installed distribution named `ltp` that holds these files."""
        directory = self.packages / f"ltp-{version}.dist-info"
        directory.mkdir()
        (directory / "METADATA").write_text(f"Metadata-Version: 2.1\nName: ltp\nVersion: {version}\n", encoding="utf-8")
        lines = [f"{name},," for name in (*files, f"{directory.name}/METADATA", f"{directory.name}/RECORD")]
        (directory / "RECORD").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def start(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{self.packages}:{ROOT}", "HOME": str(self.packages)}
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=self.packages, env=environment, capture_output=True, text=True, check=False, timeout=120
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    directory = tmp_path / "packages"
    directory.mkdir()
    return Place(directory)


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence on standard error."""
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("LTP cannot start: ")
    assert "pip uninstall ltp`" in sentence
    assert f"pip install --force-reinstall --no-deps {PROJECT['name']}`" in sentence
    return sentence


@pytest.mark.process
@pytest.mark.parametrize("arguments", STARTS, ids=lambda words: " ".join(words).replace(SCRIPT, "ltp"))
def test_it_is_refused_however_it_starts_though_its_files_took_the_place_of_ours(
    place: Place, arguments: list[str]
) -> None:
    place.hold_ours()
    place.hold_theirs()
    place.record(*THEIRS)
    assert f"ltp (version 4.2.14) is installed in {place.packages}" in refused(place.start(arguments))


def only_beside_ours(place: Place) -> None:
    """Ours comes first on the path here, but for how long?"""
    place.record(*THEIRS)


def files_alone(place: Place) -> None:
    place.hold_ours()
    place.hold_theirs()


def in_front_of_ours(place: Place) -> None:
    place.hold_theirs()


@pytest.mark.process
@pytest.mark.parametrize(
    ("arrange", "says"),
    [
        (only_beside_ours, "(version 4.2.14) is installed in"),
        (files_alone, "ltp/__init__.py is of another project's package ltp"),
        (in_front_of_ours, "ltp/__init__.py is of another project's package ltp"),
    ],
)
def test_it_is_noticed_by_its_metadata_and_by_its_files(
    place: Place, arrange: Callable[[Place], None], says: str
) -> None:
    arrange(place)
    for arguments in (["-c", SCRIPT, "--version"], ["-m", "worker"]):
        assert says in refused(place.start(arguments))


@pytest.mark.process
def test_ours_is_started_though_it_was_installed_for_development_under_its_first_name(place: Place) -> None:
    place.record("__editable__.ltp-0.1.0.pth", "../../../bin/ltp", version="0.1.0")
    done = place.start(["-c", SCRIPT, "--version"])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ltp ")


def test_what_it_knows_ours_by_is_there() -> None:
    assert OURS in Path(ltp.__file__).read_text("utf-8").partition("\n")[0]
    assert PROJECT["name"] == DISTRIBUTION != "ltp"


@pytest.mark.slow
@pytest.mark.process
def test_an_environment_that_pip_put_both_into_is_repaired_as_the_sentence_says(
    installed: Installed, wheel: Path, tmp_path: Path
) -> None:
    theirs = tmp_path / "ltp-4.2.14-py3-none-any.whl"
    with zipfile.ZipFile(theirs, "w") as archive:
        for name, text in THEIRS.items():
            archive.writestr(name, text)
        archive.writestr("ltp-4.2.14.dist-info/METADATA", "Metadata-Version: 2.1\nName: ltp\nVersion: 4.2.14\n")
        archive.writestr("ltp-4.2.14.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        names = [*archive.namelist(), "ltp-4.2.14.dist-info/RECORD"]
        archive.writestr("ltp-4.2.14.dist-info/RECORD", "".join(f"{name},,\n" for name in names))
    installed.pip("install", "--no-deps", theirs)
    refused(installed.run("ltp", "--version", cwd=tmp_path))
    refused(installed.run("python", "-m", "worker", cwd=tmp_path))
    installed.pip("uninstall", "--yes", "ltp")
    assert "is not whole" in refused(installed.run("ltp", "--version", cwd=tmp_path))
    installed.pip("install", "--force-reinstall", "--no-deps", wheel)
    assert installed.run("ltp", "--version", cwd=tmp_path).returncode == 0
