"""Rank 1 of two that train drifts together, on the processor: `python second_rank.py MEETING BACKBONE RUNS`.

RUNS is a JSON list of runs, done one after the other: `lines`, `strategy`, `config`, `part_tokens`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from ltp.backbone.load import load_backbone
from ltp.compute.ranks import joined
from ltp.config import MLMConfig
from ltp.drift.train import help_train_drift

if __name__ == "__main__":
    meeting, folder, runs = sys.argv[1:]
    torch.set_num_threads(1)
    with joined(Path(meeting), number=1, size=2, device="cpu") as ranks:
        for run in json.loads(runs):
            help_train_drift(
                load_backbone(Path(folder)),
                run["lines"],
                strategy=run["strategy"],
                config=MLMConfig(**run["config"]),
                part_tokens=run["part_tokens"],
                ranks=ranks,
            )
