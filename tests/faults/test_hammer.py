"""Clients of one tenant that get in each other's way for some seconds, on both databases; see `faults.hammer`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from faults.hammer import hammer
from support.service_processes import seed_from_environment

pytestmark = pytest.mark.process


@pytest.mark.timeout(600)
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_clients_of_one_tenant_meet_no_fault_and_no_false_refusal(
    tmp_path: Path, tiny_backbone_dir: Path, database: str, record_property: Callable[[str, object], None]
) -> None:
    seed = seed_from_environment()
    report = hammer(tmp_path, tiny_backbone_dir, database=database, seconds=4, clients=7, seed=seed)
    record_property("figures", str(report).replace("\n", "; "))
    assert report.clean, str(report)
    assert report.record.accepted
