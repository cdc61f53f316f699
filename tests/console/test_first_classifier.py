"""From an empty service to a classifier that answers: the first page, the file, the curves, the first pair."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from console.conftest import WAIT_MS, Visit, Visiting
from playwright.sync_api import Page, Request, expect
from support.running_service import Service, wait_until

pytestmark = pytest.mark.slow

FIRST_PAGE = 200_000
"""Bytes that the first page may take, as they travel."""
MOST_CLICKS = 6
EVENTS = re.compile(r"/jobs/[^/]+/events")
TRANSFERRED = "performance.getEntries().filter(each => each.transferSize).map(each => each.transferSize)"


def test_the_first_page_is_small_and_says_what_to_do(
    fresh: Service, visit: Visiting, record_property: Callable[[str, object], None]
) -> None:
    visiting = visit(f"{fresh.url}/")
    page = visiting.page
    expect(visiting.heading("Your first classifier")).to_be_visible()
    expect(page).to_have_url(f"{fresh.url}/ui/")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    sizes = page.evaluate(TRANSFERRED)
    assert len(sizes) > 4
    assert sum(sizes) < FIRST_PAGE
    record_property("figures", f"first page: {sum(sizes):,} bytes in {len(sizes)} answers")
    visiting.shot("start-empty")


def test_a_keyboard_is_enough_to_pass_the_head_of_the_page(fresh: Service, visit: Visiting) -> None:
    page = visit(f"{fresh.url}/ui/new").page
    expect(page.get_by_role("heading", name="New classifier")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    expect(page).to_have_url(f"{fresh.url}/ui/new")


def answer_first_pair(visiting: Visit, *, premise: str, hypothesis: str, judge: str) -> None:
    """Write a pair and have it judged; the words are those of the page's language."""
    visiting.page.get_by_label(premise).fill("the dog runs in the field")
    visiting.page.get_by_label(hypothesis).fill("the dog runs")
    visiting.page.get_by_role("button", name=judge, exact=True).click()


def test_a_file_becomes_a_classifier_that_answers_in_six_clicks(
    fresh: Service, visit: Visiting, files: dict[str, Path], record_property: Callable[[str, object], None]
) -> None:
    visiting, began = visit(f"{fresh.url}/"), time.monotonic()
    page = visiting.page
    page.get_by_role("main").get_by_role("link", name="New classifier").click()
    page.locator("input[type=file]").set_input_files(files["pairs"])  # one more: a person clicks, or drops
    expect(page.get_by_text("18 pairs")).to_be_visible()
    expect(page.get_by_text("Nothing in it needs a look.")).to_be_visible()
    expect(page.get_by_text(re.compile("^About "))).to_be_visible()
    page.get_by_label("Language of the pairs").fill("Swahili")
    visiting.shot("new-classifier")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page).to_have_url(re.compile("/ui/jobs/"))
    expect(visiting.heading("Training: Swahili")).to_be_visible()
    expect(page.get_by_text("Accuracy on pairs it has not seen")).to_be_visible()
    expect(visiting.heading("It is ready")).to_be_visible()
    visiting.shot("training")
    page.get_by_role("main").get_by_role("link", name="Try it").click()
    answer_first_pair(visiting, premise="Premise", hypothesis="Hypothesis", judge="Judge")
    expect(page.get_by_text("answered by Swahili, version 1")).to_be_visible()
    visiting.shot("try")
    clicks = visiting.clicks() + 1
    record_property("figures", f"{clicks} clicks, {time.monotonic() - began:.1f} s to the first answer")
    assert clicks <= MOST_CLICKS
    visiting.go("Start")
    expect(page.get_by_role("main").get_by_role("link", name="Swahili")).to_be_visible()
    visiting.shot("start")


def let_time_pass(page: Page, happened: Callable[[], bool]) -> None:
    """Put the page's clock forward, by more than a stream may be silent, until something has happened."""

    def later() -> bool:
        page.clock.fast_forward(46_000)
        return happened()

    wait_until(later, WAIT_MS / 1000)


def test_a_training_is_watched_through_breaks_and_can_be_cancelled(
    fresh: Service, visit: Visiting, files: dict[str, Path]
) -> None:
    visiting = visit(f"{fresh.url}/ui/new", language="es")
    page = visiting.page
    page.clock.install()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    page.locator("input[type=file]").set_input_files(files["pairs"])
    page.get_by_label("Lengua de los pares").fill("quechua (qu)")
    page.get_by_text("Más opciones").click()
    page.get_by_label("Cuántas veces entrenar").fill("6")
    page.get_by_label("Épocas como máximo").fill("100")
    with page.expect_response(EVENTS):
        page.get_by_role("button", name="Entrenar", exact=True).click()
    expect(page.get_by_text(re.compile("^quedan (unos|como máximo) "))).to_be_visible()
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if EVENTS.search(request.url) else None)
    lost = page.get_by_text("El servicio no responde ahora.")
    let_time_pass(page, lambda: bool(asked))  # a stream that says nothing for so long is asked for again
    page.context.set_offline(True)
    let_time_pass(page, lost.is_visible)
    page.context.set_offline(False)
    let_time_pass(page, lambda: not lost.is_visible())
    page.get_by_role("button", name="Cancelar este trabajo").click()
    expect(page.get_by_text("cancelado").first).to_be_visible()
    visiting.shot("cancelled-es")
    page.get_by_role("link", name="Empezar de nuevo").click()  # with what was chosen before
    expect(page.get_by_label("Lengua de los pares")).to_have_value("quechua (qu)")
    page.get_by_text("Más opciones").click()
    expect(page.get_by_label("Cuántas veces entrenar")).to_have_value("6")


def test_the_language_of_the_page_can_be_changed_and_is_kept(fresh: Service, visit: Visiting) -> None:
    page = visit(f"{fresh.url}/ui/try", language="pt-BR").page
    expect(page.get_by_role("heading", name="Experimentar")).to_be_visible()
    page.get_by_label("Premissa").fill("Mtoto anasoma.")
    choice = page.get_by_label("Idioma desta página")
    choice.focus()
    choice.select_option("fr")
    expect(page.get_by_role("heading", name="Essayer")).to_be_visible()
    expect(page.get_by_label("Prémisse")).to_have_value("Mtoto anasoma.")
    expect(page.get_by_label("Langue de cette page")).to_be_focused()
    page.reload()
    expect(page.get_by_role("heading", name="Essayer")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "fr")
