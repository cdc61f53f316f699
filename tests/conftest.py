"""What every part of the suite shares: markers by fixture, and the tiny backbone, as a folder and in memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest
import torch
from hypothesis import settings
from support.longest_first import longest_first
from support.needs import SLOW, Watch, add_markers, needs
from support.tiny_backbone import write_tiny

from ltp.backbone.load import Backbone, load_backbone
from ltp.backbone.locate import resolve

settings.register_profile("suite", deadline=None)  # how fast the machine is shall fail no test
settings.load_profile("suite")
watch = Watch()
sys.addaudithook(watch)
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes start here: none need compile what another has


def pytest_configure(config: pytest.Config) -> None:
    """Have xdist take files in the order of the collection, not by their number of tests."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests before `-m` chooses among them; put the longest files first."""
    for item in items:
        if isinstance(item, pytest.Function):
            add_markers(item)
    longest_first(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Stop a test at what it is not marked for."""
    return (yield from watch.run(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Report what was stopped."""
    watch.rest()
    result = yield
    watch.report()
    return result


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests measured beside what they hold: each calls `record_property("figures", ...)`."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    for report in reports:
        for name, value in getattr(report, "user_properties", ()) if getattr(report, "when", "") == "call" else ():
            if name == "figures":
                terminalreporter.write_line(f"{report.nodeid}: {value}")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_backbone_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 2-layer random XLM-R as a checkpoint folder; copy it before changing it."""
    return write_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny_backbone(tiny_backbone_dir: Path) -> Backbone:
    """The same, loaded; nothing may change it."""
    return load_backbone(tiny_backbone_dir)


@pytest.fixture(scope="session")
def device() -> str:
    """Where the tests marked `device` compute: what LTP_DEVICE names, else the processor."""
    return os.environ.get("LTP_DEVICE", "cpu")


@pytest.fixture(scope="session")
@needs(SLOW)
def mini_backbone_dir() -> Path:
    """`mini` where `make setup` put it; prepared now if it did not."""
    return resolve("mini", cache_dir=platformdirs.user_cache_path("ltp")).directory


@pytest.fixture(scope="session")
def mini_backbone(mini_backbone_dir: Path) -> Backbone:
    """The same, loaded; nothing may change it."""
    return load_backbone(mini_backbone_dir)
