"""What waiting shows: a line that is drawn anew on a terminal, nothing elsewhere, or what a callback does."""

from __future__ import annotations

import io

import pytest

from ltp_client import Event
from ltp_client.progress import shown

EVENTS = [
    Event("progress", {"phase": None, "step": 0, "total": 0, "metrics": {}}),
    Event("log", {"message": "96 pairs read"}),
    Event("progress", {"phase": "training", "step": 120, "total": 480, "eta_s": 93.5, "metrics": {"loss": 0.71}}),
    Event("progress", {"phase": "training", "step": 480, "total": 480, "metrics": {"dev_accuracy": 0.625}}),
    Event("done", {"status": "succeeded"}),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_one_line_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    with shown("adapter", progress=True, file=(terminal := Terminal())) as show:
        for event in EVENTS:
            show(event)
    lines = [line.rstrip() for line in terminal.getvalue().replace("\n", "\r").split("\r")]
    assert lines == [
        "",
        "adapter: waiting for a worker",
        "96 pairs read",
        "",
        "adapter: training  [######------------------] 120/480  loss 0.710  1:34 left",
        "adapter: training  [########################] 480/480  loss 0.710  dev accuracy 62.5%",
        "adapter: succeeded",
        "",
    ]


def test_elsewhere_nothing_is_written() -> None:
    for progress, file in ((True, io.StringIO()), (False, Terminal())):
        with shown("adapter", progress=progress, file=file) as show:
            for event in EVENTS:
                show(event)
        assert file.getvalue() == ""


def test_what_stands_in_for_standard_error_need_not_know_of_terminals() -> None:
    closed = io.StringIO()
    closed.close()
    for file in (closed, object()):
        with shown("adapter", progress=True, file=file) as show:  # type: ignore[arg-type]
            show(EVENTS[0])


def test_a_figure_may_be_zero() -> None:
    with shown("adapter", progress=True, file=(terminal := Terminal())) as show:
        for accuracy in (0.5, 0.0):
            show(Event("progress", {"phase": "training", "metrics": {"dev_accuracy": accuracy, "loss": None}}))
    assert terminal.getvalue().rstrip().endswith("dev accuracy 0.0%")


def test_a_callback_gets_every_event() -> None:
    seen: list[Event] = []
    with shown("adapter", progress=seen.append) as show:
        for event in EVENTS:
            show(event)
    assert seen == EVENTS
