"""A handful of random faults on the whole service, embedded and deployed; `faults.soak` does as many as one likes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from faults.soak import soak
from support.service_processes import seed_from_environment
from support.service_under_test import DeployedService, EmbeddedService, ServiceUnderTest

pytestmark = pytest.mark.process


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("service", "strikes"), [(EmbeddedService, 1), (DeployedService, 2)])
def test_random_faults_lose_nothing_and_publish_nothing_twice(
    tmp_path: Path,
    tiny_backbone_dir: Path,
    service: type[ServiceUnderTest],
    strikes: int,
    record_property: Callable[[str, object], None],
) -> None:
    report = soak(tmp_path, tiny_backbone_dir, strikes=strikes, seed=seed_from_environment(), at_once=2, on=service)
    record_property("figures", str(report).replace("\n", "; "))
    assert report.strikes == strikes
    assert report.clean, str(report)
