"""The locks as `make lock` writes them: one line a version, with the hashes of its files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
BASE, TEST, BENCH = LOCKS = ("requirements.lock", "requirements-test.lock", "requirements-bench.lock")


@dataclass(frozen=True)
class Locked:
    """One version, on the platforms its marker names."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def version(self) -> str:
        (pin,) = self.requirement.specifier
        assert pin.operator == "=="
        return pin.version


def locked(*files: str) -> dict[str, Locked]:
    """What these files lock, by normalised name."""
    found: dict[str, Locked] = {}
    for file in files:
        text = (ROOT / file).read_text("utf-8").replace("\\\n", " ")
        for line in (line for line in text.splitlines() if line and not line.startswith("#")):
            requirement, *hashes = re.split(r"\s+--hash=", line)
            name = canonicalize_name(Requirement(requirement).name)
            assert name not in found, f"{name} is locked twice"
            found[name] = Locked(Requirement(requirement), tuple(each.strip() for each in hashes))
    return found
