"""Where to compute: a setting that names a device is taken at its word, `auto` agrees with torch."""

import subprocess
import sys

import pytest
import torch

from ltp.compute.device import choose_device, guess_device


@pytest.mark.parametrize("named", ["cpu", "cuda"])
def test_a_named_device_is_taken_as_it_is(named: str) -> None:
    assert choose_device(named) == guess_device(named) == named


def test_auto_is_the_gpu_that_torch_can_use() -> None:
    assert choose_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    assert guess_device("auto") in ("cpu", "cuda")


@pytest.mark.process
def test_guessing_imports_no_torch() -> None:
    code = "import sys, ltp.compute.device as d; d.guess_device('auto'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
