"""The kernels give the bits of the plain computation: compiled on a GPU, else in Triton's interpreter on the CPU."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch

CHECKS, KERNELS = 5, 8
HOPPER = "90"
pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.skipif(
        (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="Triton has wheels for Linux on x86_64 alone"
    ),
]


def lines_of(module: str, *arguments: str, **environment: str) -> list[str]:
    tests = Path(__file__).parents[3]
    path = os.pathsep.join([str(tests.parent), str(tests), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=os.environ | environment | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.device
def test_every_kernel_gives_what_the_plain_computation_gives() -> None:
    interpreted = {} if torch.cuda.is_available() else {"TRITON_INTERPRET": "1"}
    assert len(lines_of("support.kernel_checks", **interpreted)) == CHECKS


def test_every_kernel_compiles_for_a_gpu_and_none_that_adds_rounds_once_for_two() -> None:
    lines = lines_of("support.kernel_compiling", HOPPER)
    assert len(lines) == KERNELS
    assert all("'fma.rn': 0" in line for line in lines if "multiply" not in line)
    assert any("'wgmma.mma_async': 0" not in line for line in lines if "multiply" in line), "bf16 on the matrix units"
