"""What the packages import is declared: otherwise it is there by chance, because something else needs it as well."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
OURS = ("ltp", "ltp_client", "app", "worker", "migrations")
FOR_TYPES = {"typing_extensions"}
"""Imported under TYPE_CHECKING alone: type checkers have it."""
WITH_TORCH = {"triton"}
"""The builds of torch for CUDA bring it, in the version they need; it is imported where they run alone."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
OPTIONAL = [
    text for extra in ("files", "export", "telemetry", "s3") for text in PROJECT["optional-dependencies"][extra]
]
DECLARED = {canonicalize_name(Requirement(text).name) for text in [*PROJECT["dependencies"], *OPTIONAL]}


def imported(path: Path) -> Iterator[str]:
    """Top-level names that a module imports, at its head or inside a function."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("package", OURS)
def test_what_is_imported_is_declared(package: str) -> None:
    providers = packages_distributions()
    foreign: dict[str, str] = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        for name in imported(path):
            if name not in {*OURS, *FOR_TYPES, *WITH_TORCH} and name not in sys.stdlib_module_names:
                foreign.setdefault(name, str(path.relative_to(ROOT)))
    assert foreign
    undeclared = {
        name: path
        for name, path in foreign.items()
        if not DECLARED & {canonicalize_name(each) for each in providers.get(name, ())}
    }
    assert not undeclared, f"declare what brings {undeclared} in pyproject.toml, and `make lock`"
