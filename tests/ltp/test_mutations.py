"""Three ways to break the method, each in a copy of the tree: a test must turn red, and for the right reason."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
MASK = "adapter/test_sparse.py::test_a_frozen_value_never_moves_on_any_tensor"
PROMPT = "model/test_encoder.py::test_it_equals_transformers_for_a_mixed_batch_and_alone"
LEAK = "adapter/test_train.py::test_development_examples_are_not_learnt"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the package and its tests, away from the repository."""
    for folder in ("ltp", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run(tree: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """Run tests of the copy; torch gets one thread, so that a busy machine is not made slower."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--tb=short"]
    return subprocess.run(
        [*command, *(f"tests/ltp/{test}" for test in tests)],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
        env={"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
    )


def mutate(tree: Path, file: str, old: str, new: str) -> None:
    path = tree / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file} no longer holds {old!r} exactly once: write the mutation anew"
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != (ROOT / file).read_text(encoding="utf-8")


def test_the_copy_is_green_and_is_what_is_tested(tree: Path) -> None:
    (tree / "tests" / "ltp" / "test_copy.py").write_text(
        "import ltp.adapter.sparse\nfrom pathlib import Path\n\n"
        "def test_copy():\n    assert Path(ltp.adapter.sparse.__file__).is_relative_to(Path(__file__).parents[2])\n"
    )
    result = run(tree, "test_copy.py", MASK, PROMPT, LEAK)
    assert result.returncode == 0, result.stdout + result.stderr


def ignore_the_mask(tree: Path) -> None:
    mutate(
        tree,
        "ltp/adapter/sparse.py",
        "return ticket.positions_on(name, self.rows.device)",
        "return torch.arange(ticket.positions(name)[-1] + 1)",
    )


def leave_the_prompt_out(tree: Path) -> None:
    mutate(
        tree, "ltp/model/encoder.py", "self._batch.ids).index_copy_(0, self._batch.soft, prompts)", "self._batch.ids)"
    )


def leak_the_development_set(tree: Path) -> None:
    mutate(
        tree,
        "ltp/adapter/plan.py",
        'given = {"train": train, "dev": dev or (), "test": test}',
        'given = {"train": [*train, *(dev or ())], "dev": dev or (), "test": test}',
    )


@pytest.mark.parametrize(
    ("mutation", "test"),
    [(ignore_the_mask, MASK), (leave_the_prompt_out, PROMPT), (leak_the_development_set, LEAK)],
    ids=["mask ignored", "prompt left out", "development set leaked"],
)
def test_a_mutation_turns_a_test_red(tree: Path, mutation: Callable[[Path], None], test: str) -> None:
    mutation(tree)
    result = run(tree, test)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "AssertionError" in result.stdout or "assert " in result.stdout, result.stdout
    assert "1 failed" in result.stdout, result.stdout
