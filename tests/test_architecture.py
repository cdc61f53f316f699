"""What the style page asks of the whole tree and no linter checks: telling names, short functions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PRODUCT = ("ltp", "app", "worker", "ltp_client")
OURS = {*PRODUCT, "bench", "demo", "deploy", "migrations"}
PATCHING = {"setattr", "delattr", "setitem", "delitem", "patch", "object"}
SAYS_NOTHING = re.compile(r"(utils?|helpers?|common|base|misc)")
LONGEST_BODY = 40
"""Lines of a function without its signature and docstring: a command's options alone may be twenty."""


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_there_is_something_to_look_at() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in sources(*PRODUCT)} == set(PRODUCT)


def test_every_file_is_named_for_what_it_holds() -> None:
    files = sources(*PRODUCT, "migrations", "tests", "demo", "bench")
    assert not [path for path in files if any(SAYS_NOTHING.fullmatch(part) for part in (path.stem, path.parent.name))]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines from the first statement after its docstring."""
    first, *rest = function.body
    documented = ast.get_docstring(function) is not None
    if documented and not rest:
        return 0
    return (function.end_lineno or 0) - (rest[0] if documented else first).lineno + 1


def test_functions_fit_in_the_eye() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": body_lines(node)
        for path in sources(*PRODUCT, "demo")
        for node in functions(path)
        if body_lines(node) > LONGEST_BODY
    }
    assert not long


def test_a_body_is_counted_without_signature_and_docstring() -> None:
    function = ast.parse(
        'def f(\n    a,\n    b,\n):\n    """Say.\n\n    More.\n    """\n    a += b\n    return a\n'
    ).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert body_lines(function) == 2


def test_every_module_says_what_lives_in_it() -> None:
    """The linter asks it of the packages alone."""
    files = sources(*PRODUCT, "migrations", "tests", "demo", "bench", "deploy")
    assert not [
        str(path.relative_to(ROOT)) for path in files if not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]


def test_imports_climb_no_package_and_name_no_module_in_a_string() -> None:
    """Both would pass the test of the direction of imports unseen."""
    found = []
    for path in sources(*PRODUCT):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level > 0:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"__import__", "importlib.import_module"}:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not found


def patches(tree: ast.AST) -> Iterator[str]:
    """Name what a test replaces in a module or class of ours, and any import of a mocking library."""
    ours = {alias: name for name, alias in imported_names(tree) if name.split(".")[0] in OURS}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and "mock" in ast.unparse(node).replace(".", " ").split():
            yield ast.unparse(node)
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in PATCHING and node.args:
            target = node.args[0]
            text = str(target.value) if isinstance(target, ast.Constant) else ast.unparse(target)
            if text.split(".")[0] in OURS | set(ours):
                yield ast.unparse(node)
        if isinstance(node, ast.Assign | ast.AugAssign | ast.Delete):
            targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
            yield from (
                ast.unparse(t) for t in targets if isinstance(t, ast.Attribute) and ast.unparse(t.value) in ours
            )


def imported_names(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield what a file imports, in full, and the name it has there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, alias.asname or alias.name) for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{alias.name}", alias.asname or alias.name) for alias in node.names)


def test_no_test_patches_our_own_code() -> None:
    """What a test wants otherwise is a parameter, a setting or a clock; the environment and libraries may change."""
    found = [
        f"{path.relative_to(ROOT)}: {patched}"
        for path in sources("tests")
        for patched in patches(ast.parse(path.read_text("utf-8")))
    ]
    assert not found


@pytest.mark.parametrize(
    "code",
    [
        "from unittest import mock",
        "import unittest.mock",
        "from unittest.mock import patch",
        "from app.jobs import queue\nmonkeypatch.setattr(queue, 'claim', None)",
        "import ltp.errors as faults\nmonkeypatch.setattr(faults.LTPError, 'code', 1)",
        "monkeypatch.setattr('worker.retry.RETRY_S', 0)",
        "from bench.lines import drift_step\ndrift_step.TIMED = 1",
        "from app import jobs\nsetattr(jobs, 'claim', None)",
    ],
)
def test_a_patch_is_noticed(code: str) -> None:
    assert list(patches(ast.parse(code)))


def test_patching_a_library_or_the_environment_is_no_patch_of_ours() -> None:
    code = "import torch\nmonkeypatch.setattr(torch, 'x', 1)\nmonkeypatch.setenv('A', 'b')\nmonkeypatch.chdir(tmp_path)"
    assert not list(patches(ast.parse(code)))


@pytest.mark.parametrize("word", [r"\bNotImplementedError\b", r"#\s*(TODO|FIXME|XXX)", r"\braise HTTPException\b"])
def test_nothing_is_left_for_later(word: str) -> None:
    assert not [path for path in sources(*PRODUCT) if re.search(word, path.read_text("utf-8"))]


def test_the_hooks_before_a_commit_fetch_nothing_and_are_make_targets() -> None:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert {repo["repo"] for repo in repos} == {"local"}
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for hook in repos[0]["hooks"]:
        make, target = hook["entry"].split()
        assert (make, hook["language"]) == ("make", "system")
        assert target in targets
