"""A handful of random kills on the whole service; `faults.soak` does as many as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults.soak import soak
from stack import seed_from_environment


@pytest.mark.timeout(420)
def test_random_kills_lose_nothing_and_publish_nothing_twice(tmp_path: Path, tiny_backbone_dir: Path) -> None:
    report = soak(tmp_path, tiny_backbone_dir, kills=4, seed=seed_from_environment())
    print(report)  # noqa: T201
    assert report.kills == 4
    assert report.clean, str(report)
