"""What waits for work is light: no runner, no service of the registry, imports torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "module",
    ["worker.command", "worker.job", "app.serve.embedded", "app.registry.publish", "app.registry.predictions"],
)
def test_importing_leaves_torch_alone(module: str) -> None:
    code = f"import sys, {module}; sys.exit(bool({{'torch', 'transformers'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr or f"{module} imports torch or transformers"


def test_an_unknown_queue_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "worker", "--queues", "tickets,nonsense"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "nonsense" in done.stderr
