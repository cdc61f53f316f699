"""Running services and a real Chromium, and what every visit is held to.

The services have a starter for the tiny backbone, as a fresh installation has; their jobs are done by a thread of this
process. A page that logs an error, breaks its policy or gets a refusal that no test expects fails its test.
"""

from __future__ import annotations

import csv
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Response, expect, sync_playwright
from support.chromium_package import MISSING, program
from support.needs import PROCESS, needs
from support.packed_starter import write_starter
from support.running_service import EXAMPLES, Service, running, settings_for, wait_until
from support.servers import sqlite_template
from support.service_with_keys import UNLIMITED

SCREENSHOTS = Path(__file__).parents[2] / "build" / "console" / "screenshots"
LABELS = ("entailment", "neutral", "contradiction")
WAIT_MS = 60_000
READY_S = 240
COUNT_CLICKS = (
    "window.clicks = 0; addEventListener('click', event => { if (event.isTrusted) window.clicks += 1 }, true)"
)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path) -> tuple[Path, Path]:
    """A migrated database to copy, and a folder with a starter for the tiny backbone."""
    home = tmp_path_factory.mktemp("console")
    database = sqlite_template(home)
    with running(settings_for(home / "making", database, tiny_backbone_dir)) as service:
        wait_ready(service)
        service.make_ticket()
        return database, write_starter(service, home / "starter", training={"epochs": 2})


def wait_ready(service: Service) -> None:
    """Wait until predictions can be served, on a busy machine, too."""
    wait_until(lambda: service.http.get("/readyz").status_code == 200, READY_S)


Started = Callable[..., Service]


@pytest.fixture(scope="session")
def started(
    tmp_path_factory: pytest.TempPathFactory, templates: tuple[Path, Path], tiny_backbone_dir: Path
) -> Iterator[Started]:
    """Start services that have nothing but the starter; their jobs are done as they come."""
    database, starter = templates
    with ExitStack() as stack:

        def start(**changes: Any) -> Service:
            directory = tmp_path_factory.mktemp("service") / "data"
            settings = settings_for(directory, database, tiny_backbone_dir, starter=str(starter), **changes)
            service = stack.enter_context(running(settings))
            wait_ready(service)
            stack.enter_context(working(service))
            return service

        yield start


@contextmanager
def working(service: Service) -> Iterator[None]:
    """Do the service's jobs in a thread as they come."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.1):
            service.work()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture(scope="session")
@needs(PROCESS)
def fresh(started: Started) -> Service:
    """A service for one person, with nothing but a starter: for tests that begin with nothing, and leave something."""
    return started()


@pytest.fixture(scope="session")
@needs(PROCESS)
def settled(started: Started) -> Service:
    """A service that has been used: two versions for Swahili, one for Spanish, a ticket, a judged file."""
    service = started()
    pairs = {"conflicts": "keep", "training": {"epochs": 2, "learning_rate": 1e-3}}
    for lang, named in (("sw", {"alias": "production"}), ("sw", {"name": "second try"}), ("es", {})):
        finish(service, service.http.post("/adapters", json={"lang": lang, "examples": EXAMPLES, **pairs, **named}))
    corpus = {"texts": [f"the dog number {n} runs in the field" for n in range(12)]}
    request = {"name": "small", "corpus": corpus, "active_ratio": 0.2, "mlm": {"epochs": 1}}
    finish(service, service.http.post("/tickets", json=request))
    return service


def finish(service: Service, accepted: Any) -> None:
    """Wait for the job of an answer."""
    assert accepted.status_code == 202, accepted.text
    deadline = time.monotonic() + 120
    while (job := service.http.get(accepted.headers["Location"]).json())["status"] in ("queued", "running"):
        assert time.monotonic() < deadline, job
        time.sleep(0.1)
    assert job["status"] == "succeeded", job


@pytest.fixture(scope="session")
@needs(PROCESS)
def guarded(started: Started) -> Service:
    """A service with keys, below a path of its own."""
    return started(root_path="/tools/ltp", **UNLIMITED)


@pytest.fixture(scope="module")
@needs(PROCESS)
def idle(
    tmp_path_factory: pytest.TempPathFactory, templates: tuple[Path, Path], tiny_backbone_dir: Path
) -> Iterator[Service]:
    """A service with no starter, no classifier and nobody who does its jobs: they stay as a test leaves them."""
    directory = tmp_path_factory.mktemp("idle") / "data"
    with running(settings_for(directory, templates[0], tiny_backbone_dir, starter="off")) as service:
        wait_ready(service)
        yield service


@pytest.fixture(scope="module")
@needs(PROCESS)
def browser() -> Iterator[Browser]:
    """The system's Chromium; its own sandbox refuses to run for root.

    For one file at a time: as long as Playwright runs, the thread has an event loop, and other tests start their own.
    """
    if (executable := program()) is None:
        pytest.skip(MISSING)
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield started
        started.close()


class Visit:
    """A page whose faults are kept. `expected` are statuses that a test provokes."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
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

    def go(self, name: str) -> None:
        """Follow a link of the head of the page."""
        self.page.get_by_role("banner").get_by_role("link", name=name, exact=True).click()

    def heading(self, name: str) -> Locator:
        """A heading by its words."""
        return self.page.get_by_role("heading", name=name)

    def clicks(self) -> int:
        """How often somebody has clicked since the page was opened."""
        count: int = self.page.evaluate("window.clicks")
        return count


Visiting = Callable[..., Visit]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visiting]:
    """Open a page in a fresh context; what went wrong in it by the end of the test fails that."""
    with ExitStack() as stack:
        opened: list[Visit] = []

        def open_page(url: str, *, language: str = "en", **context: Any) -> Visit:
            made = browser.new_context(locale=language, **context)
            stack.callback(made.close)
            made.add_init_script(COUNT_CLICKS)
            visiting = Visit(made.new_page())
            opened.append(visiting)
            visiting.page.goto(url)
            return visiting

        yield open_page
        assert [fault for visiting in opened for fault in visiting.faults] == []


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files as people bring them: pairs with usual labels, with labels of their own, and without any."""
    folder = tmp_path_factory.mktemp("files")
    own = ("sigue", "quizas", "choca")
    labelled = [(each["premise"], each["hypothesis"], int(each["label"])) for each in EXAMPLES]
    tables: dict[str, list[list[str]]] = {
        "pairs": [["premise", "hypothesis", "label"], *([p, h, LABELS[n]] for p, h, n in labelled)],
        "own": [["una", "otra", "juicio"], *([p, h, own[n]] for p, h, n in labelled)],
        "unlabelled": [["premise", "hypothesis"], *([f"{p} today", h] for p, h, _ in labelled)],
    }
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=";").writerows(rows)
    return {name: folder / f"{name}.csv" for name in tables}
