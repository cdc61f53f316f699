"""Where to compute: a name that can be is taken at its word, others are a sentence, `auto` agrees with torch."""

import subprocess
import sys

import pytest
import torch

from ltp.compute.device import choose_device, guess_device
from ltp.errors import DeviceNotAvailable, InvalidConfig


@pytest.mark.parametrize("named", ["cpu", "cuda"])
def test_a_named_device_is_taken_as_it_is(named: str) -> None:
    assert guess_device(named) == named
    assert choose_device("cpu") == "cpu"


def test_auto_is_the_gpu_that_torch_can_use() -> None:
    assert choose_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    assert guess_device("auto") in ("cpu", "cuda")


def test_a_gpu_that_is_not_there_is_said_and_one_that_is_there_is_taken() -> None:
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    assert [choose_device(f"cuda:{number}") for number in range(found)] == [f"cuda:{n}" for n in range(found)]
    with pytest.raises(DeviceNotAvailable, match=rf"device is 'cuda:{found}', and torch finds .* take cpu, or auto"):
        choose_device(f"cuda:{found}")


@pytest.mark.parametrize("named", ["bogus", "CUDA", "cuda:", "cuda:x", "cpu:0", ""])
def test_what_is_no_device_is_said(named: str) -> None:
    with pytest.raises(InvalidConfig, match="it must be auto, cpu, cuda, or cuda:1"):
        choose_device(named)


@pytest.mark.process
def test_guessing_imports_no_torch() -> None:
    code = "import sys, ltp.compute.device as d; d.guess_device('auto'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
