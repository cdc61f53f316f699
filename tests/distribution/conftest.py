"""The wheel of this tree, built once without the network, and a virtual environment with it outside the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES = [each.rstrip("*") for each in PYPROJECT["tool"]["setuptools"]["packages"]["find"]["include"]]
FILES = ["pyproject.toml", PYPROJECT["project"]["readme"], *PYPROJECT["project"]["license-files"]]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
ALONE = {"PATH": os.defpath, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
"""An environment that names nothing of the repository and no package index."""


@dataclass(frozen=True)
class Installed:
    """A virtual environment that holds our wheel; what that depends on comes from the environment the tests run in."""

    directory: Path

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    @property
    def packages(self) -> Path:
        return Path(sysconfig.get_path("purelib", vars={"base": str(self.directory)}))

    @property
    def borrowed(self) -> Path:
        """A line of a path: the environment it names is read without its own .pth files, so without our source tree."""
        return self.packages / "borrowed.pth"

    def pip(self, *arguments: str | Path) -> None:
        """Run pip on this environment alone: it must neither see nor touch what is borrowed."""
        self.borrowed.unlink(missing_ok=True)
        subprocess.run(
            [*PIP, "--python", self.python, *arguments], check=True, env=ALONE, cwd=self.directory, capture_output=True
        )
        self.borrowed.write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")

    def run(
        self, *arguments: str | Path, cwd: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of this environment, with nothing of the repository in sight."""
        program, *rest = arguments
        return subprocess.run(
            [self.directory / "bin" / program, *rest],
            cwd=cwd,
            env={"PATH": os.defpath, "HOME": str(cwd), **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, built from a copy as the wheel is."""
    source, target = copied(tmp_path_factory.mktemp("source")), tmp_path_factory.mktemp("sdist")
    code = f"from setuptools import build_meta; build_meta.build_sdist({str(target)!r})"
    built = subprocess.run(
        [sys.executable, "-c", code], cwd=source, env=ALONE, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = target.glob("*.tar.gz")
    return found


def copied(source: Path) -> Path:
    """Copy what is packed: setuptools leaves its work in the tree and would pack what it left there before."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, source / name)
    return source


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    source, target = copied(tmp_path_factory.mktemp("source")), tmp_path_factory.mktemp("wheel")
    command = [*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", target, source]
    built = subprocess.run(command, env=ALONE, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = target.glob("*.whl")
    return found


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Installed:
    assert ROOT not in tmp_path.parents
    environment = Installed(tmp_path / "environment")
    venv.create(environment.directory, symlinks=True)
    environment.pip("install", "--no-deps", wheel)
    return environment
