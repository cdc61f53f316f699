"""The layout keeps its rules: imports go `worker -> app -> ltp`, Settings alone reads the environment, no pickle."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FORBIDDEN = {"ltp": {"app", "worker", "migrations", "demo"}, "app": {"worker", "demo"}, "worker": {"demo"}}
LONGEST_FILE = 300


def modules() -> list[Path]:
    return sorted(path for package in FORBIDDEN for path in (ROOT / package).rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_keeps_the_rules(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    names = set(imported(tree))
    attributes = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}

    assert not {name for name in names if name.split(".")[0] in FORBIDDEN[package]}, "imports go worker -> app -> ltp"
    assert not names & {"pickle", "dill", "joblib", "shelve"}, "artefacts are safetensors and JSON"
    assert "torch.load" not in attributes, "artefacts are safetensors and JSON"
    if path != ROOT / "app" / "settings.py":
        assert not attributes & {"os.environ", "os.getenv"}, "Settings alone reads the environment"
    assert text.count("\n") <= LONGEST_FILE, "a file is one noun"


@pytest.mark.parametrize(
    "module",
    [
        "app.main",
        "app.cli",
        "ltp.config",
        "ltp.errors",
        "ltp.examples",
        "ltp.corpus",
        "ltp.metrics",
        "ltp.reproduce.catalogue",
        "ltp.reproduce.reproduction",
    ],
)
def test_importing_a_light_module_leaves_torch_alone(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr or f"{module} imports torch or transformers"
