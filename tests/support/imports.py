"""Which module of the product imports which, read from the source, wherever in a file the import stands."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

Edges = Mapping[str, Set[str]]


def modules(root: Path, *packages: str) -> dict[str, Path]:
    """Return the modules of some packages by their dotted names; a package is named as its `__init__`."""
    found = {}
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(tree: ast.AST) -> Iterator[tuple[str, str | None]]:
    """Yield what a file imports: a module, and the name taken from it if there is one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from ((node.module, alias.name) for alias in node.names)


def edges(known: Mapping[str, Path]) -> dict[str, set[str]]:
    """Return, for each module, which of the others it imports."""
    found: dict[str, set[str]] = {}
    for module, path in known.items():
        targets = set()
        for name, taken in imported(ast.parse(path.read_text(encoding="utf-8"))):
            full = f"{name}.{taken}"
            targets.add(full if full in known else name)
        found[module] = {target for target in targets if target in known} - {module}
    return found


def entry(module: str) -> str:
    """Return the file or folder directly below its package that a module is in, `app.storage` for instance."""
    return ".".join(module.split(".")[:2])


def between_entries(graph: Edges) -> dict[str, set[str]]:
    """Return which entries of a package import which others of the same package."""
    found: dict[str, set[str]] = defaultdict(set)
    for module, targets in graph.items():
        for target in targets:
            same = module.split(".")[0] == target.split(".")[0]
            if same and entry(module) != entry(target):
                found[entry(module)].add(entry(target))
    return dict(found)


def circles(graph: Edges) -> list[list[str]]:
    """Return the groups of nodes that reach each other, each group sorted."""
    reachable = {node: _reached(graph, node) for node in graph}
    tied = {
        node: frozenset({other for other in reached if node in reachable.get(other, ())})
        for node, reached in reachable.items()
        if node in reached
    }
    return sorted(sorted(group) for group in set(tied.values()))


def _reached(graph: Edges, start: str) -> set[str]:
    reached: set[str] = set()
    waiting = list(graph.get(start, ()))
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting.extend(graph.get(node, ()))
    return reached


def figures(graph: Edges, package: str) -> str:
    """Say how a package hangs together: its entries, how deep they stand on each other, and what stays inside one."""
    own = {module: targets for module, targets in graph.items() if module.split(".")[0] == package}
    pairs = [(module, target) for module, targets in own.items() for target in targets if target in own]
    between = between_entries(own)
    entries = {entry(module) for module in own} - {package}
    inside = sum(entry(module) == entry(target) for module, target in pairs)
    return (
        f"{package}: {len(entries)} entries, {_depth(between, entries)} levels, "
        f"{sum(map(len, between.values()))} arrows between them, "
        f"{len(circles(between))} circles of entries, {len(circles(own))} of files, "
        f"{inside / len(pairs):.0%} of {len(pairs)} imports inside one entry"
    )


def _depth(graph: Edges, nodes: Set[str]) -> int | str:
    """Return the number of levels that the entries stand on each other in; none can be told where there is a circle."""
    if circles(graph):
        return "no"
    level: dict[str, int] = {}

    def of(node: str) -> int:
        if node not in level:
            level[node] = 1 + max(map(of, graph.get(node, ())), default=0)
        return level[node]

    return max(map(of, nodes))


if __name__ == "__main__":
    GRAPH = edges(modules(Path(__file__).parents[2], "ltp", "app", "worker"))
    print(*(figures(GRAPH, package) for package in ("ltp", "app", "worker")), sep="\n")  # noqa: T201
