"""How the learning rate changes from step to step."""

from __future__ import annotations

from ltp.config import Schedule

WARM_UP = 0.06
"""Share of the steps over which `linear` rises: RoBERTa's when it is fine-tuned (Liu et al. 2019, table 10)."""


def rate_factor(schedule: Schedule, step: int, total: int) -> float:
    """What the rate is multiplied by in step `step`, counted from 0, of `total`: in (0, 1]."""
    if schedule == "constant":
        return 1.0
    return min(1.0, (step + 1) / max(1.0, WARM_UP * total)) * (1 - step / total)
