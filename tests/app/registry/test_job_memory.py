"""Work that would not fit into a job's memory is refused with the number; what fits is taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.needs import PROCESS, needs
from support.running_service import EXAMPLES, LINES, Service, refused, running, settings_for
from support.xlmr_base import XLMR_BASE

from app.errors import InvalidRequest
from app.registry.job_memory import check_adapter, check_drift
from ltp.config import AdapterConfig, MLMConfig


@pytest.fixture
@needs(PROCESS)
def small(tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[Service]:
    with running(settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, job_memory_mb=512)) as service:
        service.wait_ready()
        yield service


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/adapters", {"lang": "sw", "examples": EXAMPLES, "method": "pt", "training": {"max_length": 512}}),
        ("/tickets", {"corpus": {"texts": LINES}, "mlm": {"max_length": 512}}),
    ],
)
def test_what_cannot_fit_is_refused_with_the_number(small: Service, path: str, body: dict[str, object]) -> None:
    answer = refused(small.http.post(path, json=body), 422, "invalid_request")
    needed = re.search(
        r"may take ([\d,]+) MiB of memory, and a job may have 512 \(LTP_JOB_MEMORY_MB\)", answer["detail"]
    )
    assert needed, answer
    assert 512 < int(needed[1].replace(",", "")) < 4096
    assert "lower" in answer["detail"]
    assert small.http.get("/jobs").json()["items"] == []


def test_no_limit_takes_everything() -> None:
    config = AdapterConfig(batch_size=4096, max_length=512, epochs=10_000)
    check_adapter(XLMR_BASE, method="ft", training=config, examples=100_000, active=0, seeds=100, limit_mb=0)
    check_drift(XLMR_BASE, strategy="tied", mlm=MLMConfig(max_length=512), lines=10**6, limit_mb=0)


def test_hyperparameters_that_cannot_be_meant_are_refused() -> None:
    """A hundred seeds of ten thousand epochs keep every seed's parameters: far more than a machine has."""
    config = AdapterConfig(batch_size=4096, max_length=512, epochs=10_000)
    with pytest.raises(InvalidRequest, match=r"may take \d{3},\d{3} MiB"):
        check_adapter(XLMR_BASE, method="ft", training=config, examples=100_000, active=0, seeds=100, limit_mb=65_536)
    check_adapter(XLMR_BASE, method="ft", training=config, examples=64, active=0, seeds=1, limit_mb=65_536)
