"""Steps a second of stage 1 on one device and on several together, and how far the two drifts are apart.

`python -m bench.data_parallel --devices 0,1` takes some minutes, no network and no checkpoint: random weights of XLM-R
base's shapes. `--devices cpu,cpu --small` tries the program itself.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.settings import Settings
from bench.gpu.material import material
from bench.report import machine
from ltp.compute.device import choose_device
from ltp.config import MLMConfig
from ltp.errors import DeviceNotAvailable

WARM = 6
"""Steps before the clock starts."""
STEPS, SMALL_STEPS = 60, 12
BATCHES, SMALL_BATCHES = (32, 256), (4,)
"""Lines of a global batch: the method's own, and one that keeps two GPUs busy."""
HOLDOUT = 0.02


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", default="0,1", help="0,1 (default), or cpu,cpu")
    parser.add_argument("--precision", default="bf16", choices=["fp32", "bf16"])
    parser.add_argument("--small", action="store_true", help="tiny sizes, whose figures mean nothing")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ltp-ranks-") as folder:
        made = material("tiny" if options.small else "base", Path(folder))
        try:
            settings = Settings(_env_file=None, devices=options.devices, data_dir=folder, backbone=str(made.folder))  # type: ignore[call-arg]
            if len(settings.job_devices) < 2:
                parser.error("name two devices or more")
            for device in settings.job_devices:
                choose_device(device)
        except DeviceNotAvailable as missing:
            print(f"nothing is measured: {missing}")
            return 0
        except ValidationError as wrong:
            parser.error(wrong.errors()[0]["msg"].removeprefix("Value error, "))
        steps, batches = (SMALL_STEPS, SMALL_BATCHES) if options.small else (STEPS, BATCHES)
        found = [_measure(settings, made, batch, steps, options.precision, Path(folder)) for batch in batches]
    print(json.dumps({"machine": machine(), "devices": settings.job_devices, "measured": found}, indent=1))
    return 0


def _measure(settings: Settings, made: Any, batch: int, steps: int, precision: Any, folder: Path) -> dict[str, Any]:
    """Train the same on the first device and on all."""
    import torch

    from ltp.backbone.load import load_backbone
    from ltp.compute.ranks import ALONE
    from worker.rank_task import RankTask
    from worker.ranks import joined_ranks

    config = MLMConfig(precision=precision, holdout=HOLDOUT, batch_size=batch, epochs=1)
    lines = made.sentences(round(batch * steps / (1 - HOLDOUT)))
    devices, threads = settings.job_devices, torch.get_num_threads()
    backbone = load_backbone(made.folder, device=devices[0])
    each = max(1, threads // len(devices)) if devices[0] == "cpu" else 0
    one, one_rate = _train(backbone, lines, config, devices[0], ALONE)
    task = RankTask(
        backbone=backbone.info.fingerprint,
        lines=lines,
        strategy="decoupled",
        mlm=asdict(config),
        devices=devices,
        threads=each,
    )
    place = Path(tempfile.mkdtemp(dir=folder))
    torch.set_num_threads(each or threads)
    with joined_ranks(task, place, settings=settings, report=lambda _: None, tell=sys.stderr.write) as ranks:
        several, rate = _train(backbone, lines, config, devices[0], ranks)
    torch.set_num_threads(threads)
    apart = {name: float((one.dense(name) - several.dense(name)).abs().max()) for name in one.shapes}
    return {
        "lines_a_batch": batch,
        "precision": precision,
        "steps_a_second": {"one": one_rate, "all": rate},
        "times_one_device": rate / one_rate,
        "largest_difference_of_drift": max(far for name, far in apart.items() if not name.endswith("key.bias")),
        "of_key_biases": max(far for name, far in apart.items() if name.endswith("key.bias")),
    }


def _train(backbone: Any, lines: list[str], config: MLMConfig, device: str, ranks: Any) -> tuple[Any, float]:
    """Return the drift, and steps a second after the first ones; a step's loss is read, so that it is over by then."""
    from ltp.drift.train import train_drift

    moments: list[float] = []

    def note(told: Any) -> None:
        if told.phase == "training":
            moments.append(time.perf_counter())

    drift = train_drift(backbone, lines, strategy="decoupled", config=config, device=device, progress=note, ranks=ranks)
    timed = moments[WARM - 1 :]
    return drift, (len(timed) - 1) / (timed[-1] - timed[0])


if __name__ == "__main__":
    sys.exit(main())
