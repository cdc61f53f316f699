"""One running service and a real Chromium, and what every visit is held to.

The service has a starter for the tiny backbone and nothing else, as a fresh installation has; its jobs are done by a
thread of this process. A page that logs an error, breaks its policy or gets a refusal that no test expects fails.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, sync_playwright
from support.needs import PROCESS, needs
from support.packed_starter import write_starter
from support.running_service import EXAMPLES, Service, running, settings_for
from support.servers import sqlite_template
from support.service_with_keys import UNLIMITED

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "console" / "screenshots"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
LABELS = ("entailment", "neutral", "contradiction")
WAIT_MS = 60_000
MISSING = "no Chromium on the PATH: install the package chromium (`make setup` does where it may), or put one there"


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path) -> tuple[Path, Path]:
    """A migrated database to copy, and a folder with a starter for the tiny backbone."""
    home = tmp_path_factory.mktemp("console")
    database = sqlite_template(home)
    with running(settings_for(home / "making", database, tiny_backbone_dir)) as service:
        service.wait_ready()
        service.make_ticket()
        return database, write_starter(service, home / "starter", training={"epochs": 2})


@contextmanager
def working(service: Service) -> Iterator[None]:
    """Do the service's jobs in a thread as they come."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            service.work()
            time.sleep(0.1)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture(scope="module")
@needs(PROCESS)
def fresh(
    tmp_path_factory: pytest.TempPathFactory, templates: tuple[Path, Path], tiny_backbone_dir: Path
) -> Iterator[Service]:
    """A service for one person, with nothing but a starter."""
    database, starter = templates
    settings = settings_for(
        tmp_path_factory.mktemp("fresh") / "data", database, tiny_backbone_dir, starter=str(starter)
    )
    with running(settings) as service, working(service):
        service.wait_ready()
        yield service


@pytest.fixture(scope="module")
@needs(PROCESS)
def guarded(
    tmp_path_factory: pytest.TempPathFactory, templates: tuple[Path, Path], tiny_backbone_dir: Path
) -> Iterator[Service]:
    """The same with keys, below a path of its own."""
    database, starter = templates
    changes = {"starter": str(starter), "root_path": "/tools/ltp", **UNLIMITED}
    settings = settings_for(tmp_path_factory.mktemp("guarded") / "data", database, tiny_backbone_dir, **changes)
    with running(settings) as service, working(service):
        service.wait_ready()
        yield service


@pytest.fixture(scope="session")
@needs(PROCESS)
def browser() -> Iterator[Browser]:
    """The system's Chromium; its own sandbox refuses to run for root."""
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    assert executable, MISSING
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield started
        started.close()


class Watched:
    """A page whose faults are kept. `expected` are statuses that a test provokes."""

    def __init__(self, page: Page) -> None:
        self.page, self.faults, self.bytes = page, list[str](), 0
        self.expected: set[int] = set()
        page.set_default_timeout(WAIT_MS)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"error in the page: {error}"))
        page.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        about_status = "Failed to load resource" in message.text  # which `_answered` judges
        if message.type in ("error", "warning") and not about_status:
            self.faults.append(f"{message.type}: {message.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.faults.append(f"{response.status} {response.request.method} {response.url}")

    def shot(self, name: str) -> None:
        """Keep a picture of the whole page."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


Visit = Callable[..., Watched]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Open a page in a fresh context; what went wrong in it by the end of the test fails that."""
    opened: list[tuple[BrowserContext, Watched]] = []

    def open_page(url: str, *, language: str = "en", **context: object) -> Watched:
        made = browser.new_context(locale=language, **context)  # type: ignore[arg-type]
        watched = Watched(made.new_page())
        opened.append((made, watched))
        watched.page.goto(url)
        return watched

    yield open_page
    faults = [fault for _, watched in opened for fault in watched.faults]
    for context, _ in opened:
        context.close()
    assert faults == []


@pytest.fixture(scope="session")
def pairs_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labelled pairs as somebody exports them from a spreadsheet, with headings and labels of their own."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow(["premise", "hypothesis", "label"])
    writer.writerows([each["premise"], each["hypothesis"], LABELS[int(each["label"])]] for each in EXAMPLES)
    path = tmp_path_factory.mktemp("files") / "pairs.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    return path
