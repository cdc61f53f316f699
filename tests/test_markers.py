"""A test that is not marked for what it does is stopped, so that `make quick` stays what it says it is."""

from __future__ import annotations

import contextlib

import pytest
from support.longest_first import LONGEST, TESTS
from support.needs import CACHE, Watch


def watched(item: pytest.Item, event: str, *arguments: object) -> Watch:
    """Have a watch of its own see one event in the test `item`."""
    watch = Watch()
    running = watch.run(item)
    next(running)
    watch(event, arguments)
    return watch


@pytest.mark.parametrize(
    ("event", "argument", "sentence"),
    [
        ("subprocess.Popen", "ls", "starts a process"),
        ("os.fork", None, "starts a process"),
        ("socket.bind", None, "listens on a socket"),
        ("open", f"{CACHE}/mini/model.safetensors", "mark it `slow`"),
    ],
)
def test_what_an_unmarked_test_does_is_stopped(
    request: pytest.FixtureRequest, event: str, argument: object, sentence: str
) -> None:
    with pytest.raises(pytest.fail.Exception, match=sentence):
        watched(request.node, event, argument, [argument])


def test_what_went_on_all_the_same_is_reported_at_the_end(request: pytest.FixtureRequest) -> None:
    watch = Watch()
    running = watch.run(request.node)
    next(running)
    with contextlib.suppress(pytest.fail.Exception):  # as code under test may
        watch("subprocess.Popen", ("ls", ["ls"]))
    with pytest.raises(pytest.fail.Exception, match="mark it `process`"):
        watch.report()


@pytest.mark.process
@pytest.mark.slow
def test_a_marked_test_may(request: pytest.FixtureRequest) -> None:
    for event, argument in (("subprocess.Popen", "ls"), ("socket.bind", None), ("open", f"{CACHE}/mini/config.json")):
        watched(request.node, event, argument).report()


def test_after_the_test_nothing_is_watched(request: pytest.FixtureRequest) -> None:
    watch = Watch()
    running = watch.run(request.node)
    next(running)
    watch.rest()
    watch("subprocess.Popen", ("pg_ctl", ["pg_ctl", "stop"]))
    watch.report()


def test_the_longest_files_are_there() -> None:
    assert [name for name in LONGEST if not (TESTS / name).exists()] == []
