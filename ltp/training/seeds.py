"""Independent seeds for every part of a run, from one seed and a path of numbers. Imports no torch."""

from __future__ import annotations

import hashlib
import json


def step_seed(seed: int, *path: int) -> int:
    """Derive an independent 63-bit seed for one step (or epoch, or block) of a run."""
    digest = hashlib.sha256(json.dumps([seed, *map(int, path)], allow_nan=False).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1
