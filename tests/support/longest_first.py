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
    "faults/test_hammer.py",
    "faults/test_two_backbones.py",
    "examples/test_notebooks.py",
    "faults/test_publishing.py",
    "app/cli/test_readme.py",
    "app/cli/test_deletion.py",
    "app/serve/test_served_process.py",
)
"""Those that take more than a minute, as pytest's `--durations` says."""


def longest_first(items: list[pytest.Item]) -> None:
    """Put the longest files first, then those with the most tests; within a file nothing changes."""
    places = {TESTS / name: place for place, name in enumerate(LONGEST)}
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (places.get(item.path, len(places)), -tests[item.path]))
