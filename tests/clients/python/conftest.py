"""Peers that misbehave on cue, and both clients to speak to them with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from support.driven import KINDS, opened
from support.needs import PROCESS, needs
from support.peer import Respond, peers


@pytest.fixture
@needs(PROCESS)
def peer() -> Iterator[Callable[[Respond], str]]:
    with peers() as start:
        yield start


@pytest.fixture(params=KINDS)
def connect(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Opens a client, synchronous or asynchronous."""
    return partial(opened, request.param)
