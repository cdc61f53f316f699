"""Where the product compares a value with one of some words, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PRODUCT = ("ltp", "app", "worker")


def comparisons_with(words: Set[str], *, root: Path = ROOT) -> Iterator[str]:
    """Name, as `path:line`, each comparison, `match` case and table lookup that spells one of `words` out."""
    for folder in PRODUCT:
        for path in sorted((root / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if words & set(_spelled_out(node)):
                    yield f"{path.relative_to(root)}:{node.lineno}"  # type: ignore[attr-defined]


def _spelled_out(node: ast.AST) -> Iterator[str]:
    compared: list[ast.AST] = []
    match node:
        case ast.Compare(left=left, comparators=others):
            compared = [left, *others]
        case ast.MatchValue(value=value):
            compared = [value]
        case ast.Subscript(value=ast.Dict(keys=keys)):
            compared = [key for key in keys if key is not None]
    for each in compared:
        for inner in [each, *(each.elts if isinstance(each, ast.Tuple | ast.List | ast.Set) else ())]:
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                yield inner.value
