"""What goes to a GPU goes beside the arithmetic and is waited for there; how much of its memory adapters may take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from ltp.compute.cuda.memory import room_for_adapters
from ltp.compute.cuda.uploads import Uploader, uploaded


class Streams:
    """Stands for torch.cuda: notes what is asked of it, in order."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def Stream(self, _: torch.device) -> Stream:  # noqa: N802  torch's name
        return Stream("side", self.asked)

    def current_stream(self, _: torch.device) -> Stream:
        return Stream("main", self.asked)

    @contextmanager
    def stream(self, stream: Stream) -> Iterator[None]:
        self.asked.append(f"on {stream.name}")
        yield
        self.asked.append(f"off {stream.name}")


class Stream:
    def __init__(self, name: str, asked: list[str]) -> None:
        self.name, self._asked = name, asked

    def wait_stream(self, other: Stream) -> None:
        self._asked.append(f"{self.name} waits for {other.name}")


class Values:
    """Stands for a tensor in pinned memory, and for its copy."""

    def __init__(self, asked: list[str]) -> None:
        self._asked = asked

    def to(self, device: torch.device, *, non_blocking: bool) -> Values:
        self._asked.append(f"copied to {device}, {'' if non_blocking else 'not '}in the background")
        return self

    def record_stream(self, stream: Stream) -> None:
        self._asked.append(f"kept for {stream.name}")


def test_an_upload_runs_on_a_stream_of_its_own_and_the_arithmetic_waits_for_it() -> None:
    streams = Streams()
    Uploader(torch.device("cuda:1"), streams)(Values(streams.asked))  # type: ignore[arg-type]
    assert streams.asked == [
        "on side",
        "copied to cuda:1, in the background",
        "off side",
        "main waits for side",
        "kept for main",
    ]


@pytest.mark.device
def test_what_is_uploaded_is_what_was_there(device: str) -> None:
    tensor = torch.arange(5)
    there = uploaded(tensor, torch.device(device))
    assert torch.equal(there.cpu(), tensor)
    assert uploaded(there, torch.device(device)) is there


def test_adapters_leave_half_of_a_gpu_free() -> None:
    assert room_for_adapters(torch.device("cuda"), free=100) == 50
