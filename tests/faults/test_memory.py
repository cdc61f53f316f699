"""A job that does not fit into its memory: it says so at once, is not tried again, and takes nothing else with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.service_processes import Stack, wait_for
from support.tiny_backbone import write_tiny

from ltp.backbone.manifest import read_manifest

pytestmark = pytest.mark.process

LIMIT_MB = 800
HIDDEN = 1024
"""Training all 50 million parameters takes more, a soft prompt less."""


def test_a_job_that_does_not_fit_fails_once_and_says_what_to_lower(
    make_stack: Callable[..., Stack], tmp_path: Path
) -> None:
    stack = make_stack(job_memory_mb=LIMIT_MB, max_attempts=3)
    backbone = write_tiny(tmp_path / "wide", hidden=HIDDEN, layers=4)
    stack.settings = stack.settings.model_copy(update={"backbone": str(backbone)})
    stack.backbone = read_manifest(backbone)
    runner = stack.runner()
    too_large = stack.submit_adapter(method="ft", epochs=1)
    (failed,) = stack.finish(too_large)
    assert (failed.status, failed.error_code, failed.attempt) == ("failed", "out_of_memory", 1)
    assert "choose a method that trains fewer parameters" in str(failed.error_detail)
    (fits,) = stack.finish(stack.submit_adapter(method="pt", epochs=1))
    assert (fits.status, fits.error_code) == ("succeeded", None)
    assert runner.poll() is None


def test_a_jobs_process_is_the_first_the_kernel_takes(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    runner = stack.runner()
    stack.reached(stack.submit_ticket(epochs=1000), "training")
    job = stack.one("job").pid

    def score(pid: int) -> int:
        return int(Path(f"/proc/{pid}/oom_score_adj").read_text())

    wait_for(lambda: score(job) == 1000, timeout_s=5, message="it is not")
    assert score(runner.pid) < 1000
