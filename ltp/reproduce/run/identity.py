"""What results must have in common to stand in one folder: backbone, program, arithmetic and data.

Epochs, rates, pairs, precision and all else that an experiment sets is in its cells' names: experiments that differ in
it share a folder, what they have in common is one cell, and a report is of its own experiment's cells alone.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from ltp.release import release
from ltp.reproduce.data.text import UnlabelledText

WORKING = (
    *("cell", "draw", "in_process", "outcome", "rows", "suite", "text"),
    *("alignment", "scoring", "shots", "sources", "texts", "training", "work"),
)
"""The modules of `ltp.reproduce` that figures depend on; the others plan, keep and describe."""
ARITHMETIC = ("torch", "tokenizers", "numpy")
"""Packages whose version can change a figure."""


@dataclass(frozen=True)
class Identity:
    """Names and values, each compared on its own; `data` maps files to their SHA-256."""

    backbone: str
    code: str
    packages: Mapping[str, str]
    data: Mapping[str, str]

    def facts(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {
            "backbone": self.backbone,
            "code": self.code,
            "packages": dict(self.packages),
            "data": dict(self.data),
        }


def identify(*, backbone: str, data: Mapping[str, str], text: UnlabelledText | None) -> Identity:
    """The identity of results on a backbone (its fingerprint) and these files."""
    read = dict(data) | ({f"unlabelled text {text.name}": text.sha256} if text else {})
    return Identity(
        backbone=backbone,
        code=code_version(),
        packages=arithmetic(),
        data=read,
    )


def arithmetic() -> dict[str, str]:
    """The versions of the packages that compute."""
    return {name: version(name) for name in ARITHMETIC}


@functools.cache
def code_version() -> str:
    """The program's version, and a hash of every module and table of `ltp` that figures depend on."""
    digest = hashlib.sha256()
    root = Path(str(files("ltp")))
    for path in sorted([*root.rglob("*.py"), root / "text" / "characters.tsv"]):
        parts = path.relative_to(root).with_suffix("").parts
        if parts[0] == "reproduce" and parts[-1] not in WORKING:
            continue
        digest.update("/".join(parts).encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{release()}+{digest.hexdigest()[:12]}"
