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


class StandIn:
    """GPUs of which some do not work."""

    def __init__(self, count: int, *, broken: str = "") -> None:
        self._count, self._broken = count, broken

    def count(self) -> int:
        return self._count

    def try_out(self, device: str) -> None:
        if device == self._broken:
            raise RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported")

    def missing(self) -> str:
        return "torch 1.0 is built for CUDA 9"


def test_a_gpu_that_torch_cannot_compute_on_is_a_sentence(caplog: pytest.LogCaptureFixture) -> None:
    broken = StandIn(2, broken="cuda:1")
    assert choose_device("cuda", gpus=broken) == "cuda"
    with pytest.raises(DeviceNotAvailable) as refused:
        choose_device("cuda:1", gpus=broken)
    assert str(refused.value) == (
        "device is 'cuda:1', and torch cannot compute on the GPU that it finds (CUDA error: out of memory); "
        "mend it, or take cpu"
    )
    assert choose_device("auto", gpus=StandIn(1)) == "cuda"
    assert choose_device("auto", gpus=StandIn(1, broken="cuda")) == "cpu"
    assert "the CPU is taken: torch cannot compute on the GPU" in caplog.text


def test_a_gpu_that_is_not_there_is_a_sentence() -> None:
    assert choose_device("auto", gpus=StandIn(0)) == "cpu"
    with pytest.raises(DeviceNotAvailable, match=r"torch finds no GPU here \(torch 1.0 is built for CUDA 9\)"):
        choose_device("cuda", gpus=StandIn(0))


@pytest.mark.process
def test_guessing_imports_no_torch() -> None:
    code = "import sys, ltp.compute.device as d; d.guess_device('auto'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
