"""What single settings may be: their types, and what is refused of each, with a word on what would be right."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

ON, OFF = "on", "off"
ROOT_PATH = r"(/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*"
"""A path that a service may lie under: nothing in it has a meaning of its own in a URL, a page or a header."""

LEAST_JOB_MB = 512
"""Interpreter and torch, with the smallest backbone."""


def _is_rate(rate: str) -> str:
    """Refuse what is no rate, and one that lets nothing through."""
    from limits import parse

    try:
        allowed = rate == OFF or parse(rate).amount > 0
    except ValueError:
        allowed = False
    if not allowed:
        raise ValueError(f"{rate!r} is no rate; write one as 1200/minute, or off for no limit")
    return rate


def _are_addresses(addresses: str) -> str:
    """Refuse names, which nothing looks up, and `*`, which would let every client say where it is."""
    for each in filter(None, map(str.strip, addresses.split(","))):
        try:
            ip_network(each)
        except ValueError:
            raise ValueError(f"{each!r} is no address or network; write one as 10.0.0.7 or 10.0.0.0/24") from None
    return addresses


def _is_path(path: str) -> str:
    """Refuse what is no plain path; take a slash at its end away."""
    if not re.fullmatch(ROOT_PATH, path.rstrip("/")):
        raise ValueError(f"{path!r} is no path that a service can lie under; write one as /ltp, or nothing")
    return path.rstrip("/")


def _is_enough(megabytes: int) -> int:
    """Refuse a limit under which no job could begin."""
    if 0 < megabytes < LEAST_JOB_MB:
        raise ValueError(f"a job's process takes {LEAST_JOB_MB} MiB before it does anything; give that at least, or 0")
    return megabytes


def _is_text(directory: Path) -> Path:
    """Refuse a name that no URL can hold, and so no setting of another process."""
    try:
        str(directory).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the name {str(directory)!r} is not UTF-8; choose or make another folder") from error
    return directory


def _is_starter(value: str) -> str:
    """Refuse what is neither a switch nor a folder."""
    if value not in (ON, OFF) and not Path(value).is_dir():
        raise ValueError(f"{value!r} is neither on nor off, and no folder with starters")
    return value


Seconds = Annotated[float, Field(gt=0)]
Megabytes = Annotated[int, Field(ge=1)]
Rate = Annotated[str, AfterValidator(_is_rate)]
Addresses = Annotated[str, AfterValidator(_are_addresses)]
JobMemory = Annotated[int, Field(ge=0), AfterValidator(_is_enough)]
RootPath = Annotated[str, AfterValidator(_is_path)]
Folder = Annotated[Path, AfterValidator(_is_text)]
Starter = Annotated[str, AfterValidator(_is_starter)]


class NoHomeDirectory(OSError):
    """A folder's default lies in the user's home directory, and this user has none."""

    def __init__(self, setting: str) -> None:
        super().__init__(f"this user has no home directory to keep files in; name a folder with LTP_{setting}")


def folder_of_user(setting: str, find: Callable[[str], Path]) -> Callable[[], Path]:
    """Give a folder of the user's own as a default, looked up when it is needed: not every user has a home."""

    def default() -> Path:
        try:
            folder = find("ltp")
        except RuntimeError as error:
            raise NoHomeDirectory(setting) from error
        if not folder.is_absolute():  # platformdirs leaves a `~` that it cannot resolve
            raise NoHomeDirectory(setting)
        return folder

    return default
