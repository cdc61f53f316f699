"""How long a training will take: from how long those before took, and which of them count."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.registry_rows import BACKBONE, TENANT, ready_adapter

from app.jobs import see_worker
from app.registry import expected_time
from app.registry.expected_time import OVERHEAD_S, SPREAD, Expected
from app.storage.database import Database
from app.storage.models import AdapterRow
from ltp.backbone.manifest import BackboneInfo, read_manifest


@pytest.fixture
def backbone(tiny_backbone_dir: object) -> BackboneInfo:
    return replace(read_manifest(tiny_backbone_dir), fingerprint=BACKBONE)  # type: ignore[arg-type]


def took(
    db: Database, seconds: float, *, tokens: int = 1000, estimate: str = "cross_fit", tenant: str = TENANT
) -> None:
    adapter = ready_adapter(db, tenant=tenant)
    with db.write() as session:
        timings = {"training": seconds - 1, "validating": 1, "spawn": 4, "imports": 1}
        report = {"effort": {"tokens": tokens, "estimate": estimate}, "timings": timings}
        session.get_one(AdapterRow, adapter.id).training = {"report": report}


def told(db: Database, backbone: BackboneInfo, *, tokens: float = 1000, estimate: str = "cross_fit") -> Expected:
    with db.read() as session:
        return expected_time.expected(
            session,
            tenant=TENANT,
            backbone=backbone,
            tokens=tokens,
            estimate=estimate,  # type: ignore[arg-type]
            heard_s=60,
        )


def test_the_median_of_those_alike_with_their_spread(db: Database, backbone: BackboneInfo) -> None:
    ready_adapter(db)  # of a release that did not note its effort
    for seconds in (100, 300, 140):
        took(db, seconds)
    took(db, 9000, estimate="holdout")
    found = told(db, backbone)
    assert (found.seconds, found.least, found.most, found.trainings) == pytest.approx((145, 105, 305, 3))
    assert told(db, backbone, tokens=3000).seconds == pytest.approx(3 * 140 + 5)
    assert told(db, backbone, estimate="holdout").trainings == 1
    assert "3 recent" in found.said


def test_one_alone_may_be_wrong_and_another_kind_is_better_than_a_constant(
    db: Database, backbone: BackboneInfo
) -> None:
    took(db, 100, estimate="holdout")
    found = told(db, backbone)
    assert (found.trainings, found.seconds) == (1, pytest.approx(105))
    assert found.least < 80 < 140 < found.most


def test_without_any_a_constant_that_says_so(db: Database, backbone: BackboneInfo) -> None:
    found = told(db, backbone, tokens=1e9)
    assert (found.trainings, found.device) == (0, "cpu")
    assert "constant" in found.said
    assert found.most - OVERHEAD_S == pytest.approx(SPREAD * (found.seconds - OVERHEAD_S))
    with db.write() as session:
        see_worker(session, worker_id="w", host="h", device="cuda:0", job_id=None, backbone=BACKBONE)
    quicker = told(db, backbone, tokens=1e9)
    assert quicker.device == "cuda"
    assert quicker.seconds < found.seconds
