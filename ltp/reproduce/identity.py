"""What results must have in common to stand in one table: backbone, data, program, and settings that change figures."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any

from ltp.reproduce.experiment import Experiment
from ltp.reproduce.text import UnlabelledText

WORKING = ("cell", "draw", "in_process", "outcome", "rows", "suite", "text")
"""The modules of `ltp.reproduce` that figures depend on; the others plan, keep and describe."""
ARITHMETIC = ("torch", "tokenizers", "numpy")
"""Packages whose version can change a figure."""
SETTINGS = ("epochs", "sentences", "passes", "pairs", "precision")
"""What an experiment may not change between results in one folder. Methods, shots, seeds, languages and rates may be
added: each of their cells is known by them."""


@dataclass(frozen=True)
class Identity:
    """Names and values, each compared on its own; `data` maps files to their SHA-256."""

    backbone: str
    code: str
    packages: Mapping[str, str]
    settings: Mapping[str, Any]
    data: Mapping[str, str]

    def facts(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {
            "backbone": self.backbone,
            "code": self.code,
            "packages": dict(self.packages),
            "settings": dict(self.settings),
            "data": dict(self.data),
        }


def identify(
    experiment: Experiment, *, backbone: str, data: Mapping[str, str], text: UnlabelledText | None
) -> Identity:
    """The identity of an experiment's results on a backbone (its fingerprint) and these files."""
    read = dict(data) | ({f"unlabelled text {text.name}": text.sha256} if text else {})
    return Identity(
        backbone=backbone,
        code=code_version(),
        packages=arithmetic(),
        settings={name: getattr(experiment, name) for name in SETTINGS},
        data=read,
    )


def arithmetic() -> dict[str, str]:
    """The versions of the packages that compute."""
    return {name: version(name) for name in ARITHMETIC}


@functools.cache
def code_version() -> str:
    """The program's version, and a hash of every module of `ltp` that figures depend on."""
    digest = hashlib.sha256()
    root = Path(str(files("ltp")))
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if parts[0] == "reproduce" and parts[-1] not in WORKING:
            continue
        digest.update("/".join(parts).encode() + b"\0" + path.read_bytes() + b"\0")
    try:
        number = version("ltp")
    except PackageNotFoundError:
        number = "unreleased"
    return f"{number}+{digest.hexdigest()[:12]}"
