"""The arithmetic that this machine would serve in, for rows that compare the engine with itself.

bf16 on a processor that emulates it measures the emulation.
"""

from __future__ import annotations

from typing import cast

from bench.side import Measured, run
from ltp.config import Precision


def chosen() -> Precision:
    """What `ltp serve` chooses here, measured in a process of its own on mini's weights."""
    return cast("Precision", run(f"{__name__}:measured").detail["precision"])


def measured() -> Measured:
    """See `chosen`."""
    from bench.material import mini
    from ltp.backbone.load import load_backbone
    from ltp.engine.precision import choose_precision

    return Measured([1.0], detail=choose_precision(load_backbone(mini()), "cpu")._asdict())
