"""Five pictures of the console for README and docs: a service of its own, the examples, and the system's Chromium.

`make screenshots` runs it; what is trained is trained for real, so it takes some minutes.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from demo import service

ROOT = Path(__file__).parents[1]
PICTURES, EXAMPLES = ROOT / "docs" / "console", ROOT / "examples"
LTP = Path(sys.executable).with_name("ltp")
SIZE = {"width": 1100, "height": 760}
TRAINED_MS = 1_200_000
PAIRS = (
    ("es", "La niña lee en la escuela.", "La niña está en casa."),
    ("sw", "Mtoto anasoma kitabu shuleni.", "Mtoto yuko shuleni."),
)


def main(browser: str) -> None:
    """Take the pictures with the browser at that path."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        service.running(LTP, Path(folder) / "data", Path(folder) / "log") as url,
        opened(browser, url) as page,
    ):
        train_spanish(url)
        new_classifier(page)
        training(page)
        tried(page)
        classifier(page)
        page.get_by_role("banner").get_by_role("link", name="Start").click()
        page.get_by_role("heading", name="Languages", exact=True).wait_for()
        take(page, "start")


@contextmanager
def opened(browser: str, url: str) -> Iterator[Page]:
    """The console in a browser."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser, args=arguments)
        page = started.new_page(viewport=SIZE, locale="en", color_scheme="light")
        page.set_default_timeout(TRAINED_MS)
        page.goto(url)
        yield page
        started.close()


def train_spanish(url: str) -> None:
    """Another language, by the API alone, so that the first page has two."""
    pairs = [json.loads(line) for line in (EXAMPLES / "es-train.jsonl").read_text("utf-8").splitlines()]
    request = {"lang": "es", "examples": pairs, "alias": "production"}
    httpx.post(f"{url}/adapters", json=request, timeout=60, trust_env=False).raise_for_status()


def new_classifier(page: Page) -> None:
    """The file, as it was read."""
    page.get_by_role("banner").get_by_role("link", name="New classifier").click()
    page.locator("input[type=file]").set_input_files(EXAMPLES / "sw-train.jsonl")
    page.get_by_label("Language of the pairs").fill("Swahili (sw)")
    page.get_by_text("About ", exact=False).first.wait_for()
    take(page, "new-classifier")


def training(page: Page) -> None:
    """The curves, once there are some, and then the result."""
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text("Accuracy on pairs it has not seen").wait_for()
    page.get_by_role("heading", name="It is ready").wait_for()
    take(page, "training")


def tried(page: Page) -> None:
    """Two languages in one request."""
    page.get_by_role("main").get_by_role("link", name="Try it").click()
    page.get_by_role("button", name="Add a pair").click()
    for place, (lang, premise, hypothesis) in enumerate(PAIRS, 1):
        pair = page.get_by_role("group", name=f"Pair {place}")
        pair.get_by_label("Who is to answer").select_option(lang)
        pair.get_by_label("Premise").fill(premise)
        pair.get_by_label("Hypothesis").fill(hypothesis)
    page.get_by_role("button", name="Judge", exact=True).click()
    page.get_by_text("answered by").nth(1).wait_for()
    take(page, "try")


def classifier(page: Page) -> None:
    """What the classifier is worth, and where it errs."""
    page.get_by_role("link", name="Swahili, version 1").click()
    page.get_by_role("heading", name="Pairs it got wrong").wait_for()
    page.wait_for_load_state("networkidle")
    take(page, "classifier")


def take(page: Page, name: str) -> None:
    """Keep a picture: of a long page what one sees first."""
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.screenshot(path=PICTURES / f"{name}.png", full_page=name in {"new-classifier", "try"})


if __name__ == "__main__":
    main(sys.argv[1])
