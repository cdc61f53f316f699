"""The order of files: one that takes minutes and begins as the last ends long after all others."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
LONGEST = (
    "faults/test_deployment.py",
    "faults/test_lifecycle.py",
    "app/cli/test_service.py",
    "faults/test_soak.py",
    "faults/test_takeover.py",
    "faults/test_blob_store.py",
    "examples/test_notebooks.py",
    "faults/test_storage.py",
    "faults/test_hammer.py",
    "faults/test_clocks.py",
    "app/cli",
    "faults",
    "deploy",
    "console",
    "app/serve/test_served_process.py",
)
"""Files that take minutes, and folders whose tests start processes, as pytest's `--durations` says."""


def longest_first(items: list[pytest.Item]) -> None:
    """Put what takes longest first, then the files with the most tests; within a file nothing changes."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (_place(item.path), -tests[item.path]))


def _place(path: Path) -> int:
    return next((place for place, name in enumerate(LONGEST) if path.is_relative_to(TESTS / name)), len(LONGEST))
