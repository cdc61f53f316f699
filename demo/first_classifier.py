"""How long it is from the console's empty page to a classifier that answers, and what its first page weighs.

`python -m demo.first_classifier BROWSER [FILE LANGUAGE]` starts a service of its own with the shipped starter, goes the
way of somebody with a mouse and a Tab key, and prints clicks, seconds and the browser's own figures. FILE is pairs as
CSV; without one it is the Swahili examples.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Response, sync_playwright

from demo import service

EXAMPLES = Path(__file__).parents[1] / "examples"
LTP = Path(sys.executable).with_name("ltp")
MOST_MS = 1_200_000
COUNT = "window.clicks = 0; addEventListener('pointerdown', event => { if (event.isTrusted) window.clicks += 1 }, true)"
FIGURES = """() => {
  const [page] = performance.getEntriesByType('navigation');
  const [paint] = performance.getEntriesByName('first-contentful-paint');
  return {
    'first contentful paint, ms': Math.round(paint.startTime),
    'page loaded, ms': Math.round(page.loadEventEnd),
    'elements': document.querySelectorAll('*').length,
  };
}"""


class Way:
    """The page, how often somebody has clicked by now, and what axe-core said of the pages on the way."""

    def __init__(self, page: Page) -> None:
        self.page, self.began = page, time.monotonic()
        self.in_dialogs = 0
        self.faults: Counter[str] = Counter()

    def look(self, what: str) -> None:
        """Say how far it is, and have axe-core look at the page; that is no part of the way's time."""
        clicks = int(self.page.evaluate("window.clicks")) + self.in_dialogs
        _say(f"{time.monotonic() - self.began:6.1f} s  {clicks} clicks  {what}")
        before = time.monotonic()
        self.page.wait_for_load_state("networkidle")
        found = Axe().run(self.page).response["violations"]
        self.faults.update(f"{fault['id']} ({fault['impact']})" for fault in found)
        self.began += time.monotonic() - before

    def write(self, field: Locator, text: str) -> None:
        """Go to the field by the Tab key, and write."""
        while not field.evaluate("each => each === document.activeElement"):
            self.page.keyboard.press("Tab")
        self.page.keyboard.type(text)


def main(browser: str, file: str | None = None, language: str = "Swahili") -> None:
    """Go the way once and print its figures."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        pairs = Path(file) if file else swahili(Path(folder) / "pairs.csv")
        with service.running(LTP, Path(folder) / "data", Path(folder) / "log") as url:
            arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
            started = playwright.chromium.launch(executable_path=browser, args=arguments)
            page = started.new_page(locale="en")
            page.add_init_script(COUNT)
            page.set_default_timeout(MOST_MS)
            _say(json.dumps(first_page(page, url), indent=2))
            go(Way(page), pairs, language)
            started.close()


def swahili(path: Path) -> Path:
    """The examples as the table that a person has."""
    rows = [
        json.loads(line)
        for part in ("train", "dev")
        for line in (EXAMPLES / f"sw-{part}.jsonl").read_text("utf-8").splitlines()
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, ["premise", "hypothesis", "label"], extrasaction="ignore")
        table.writeheader()
        table.writerows(rows)
    return path


def first_page(page: Page, url: str) -> dict[str, Any]:
    """What the empty page weighs, with all that it asks for, and how soon it is there."""
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(url)
    page.get_by_role("heading", name="Your first classifier").wait_for()
    page.wait_for_load_state("networkidle")
    bodies = [each.body() for each in answers if not 300 <= each.status < 400]
    return {
        "answers": len(bodies),
        "bytes": sum(map(len, bodies)),
        "bytes, gzip": sum(len(gzip.compress(body)) for body in bodies),
        **page.evaluate(FIGURES),
    }


def go(way: Way, pairs: Path, language: str) -> None:
    """From the empty page to the first answer."""
    page, main = way.page, way.page.get_by_role("main")
    way.began = time.monotonic()
    main.get_by_role("link", name="New classifier").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_text("Choose a file").click()
    chooser.value.set_files(pairs)
    way.in_dialogs += 1
    page.get_by_role("heading", name="3. Train").wait_for()
    way.look("the file is read")
    way.write(page.get_by_label("Language of the pairs"), language)
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("heading", name="It is ready").wait_for()
    way.look("trained")
    main.get_by_role("link", name="Try it").click()
    premise = page.get_by_label("Premise")
    premise.wait_for()
    with pairs.open(encoding="utf-8-sig", newline="") as file:
        row = next(csv.DictReader(file))
    way.write(premise, row["premise"])
    way.write(page.get_by_label("Hypothesis"), row["hypothesis"])
    page.get_by_role("button", name="Judge", exact=True).click()
    page.get_by_text("answered by").wait_for()
    way.look("the first answer")
    _say(f"axe-core on these pages: {dict(way.faults) or 'nothing'}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
