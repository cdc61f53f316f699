"""A file that is not read as it is meant: what is wrong in the API's own words, and how a person puts it right."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from console.conftest import Visiting
from playwright.sync_api import expect
from support.running_service import Service

pytestmark = pytest.mark.slow


def test_columns_and_labels_of_ones_own_are_corrected_in_the_page(
    settled: Service, visit: Visiting, files: dict[str, Path]
) -> None:
    visiting = visit(f"{settled.url}/ui/new")
    visiting.expected = {422}
    page = visiting.page
    page.locator("input[type=file]").set_input_files(files["own"])
    refusal = page.get_by_role("alert")
    expect(refusal).to_contain_text("una")  # the columns that are there, as the API names them
    expect(refusal).to_contain_text("Request")
    visiting.shot("refused")
    for role, column in (("Premise", "una"), ("Hypothesis", "otra"), ("Label", "juicio")):
        page.get_by_label(role, exact=True).fill(column)
    for spelling in ("sigue", "quizas", "choca"):
        page.get_by_label("A label as the file spells it").fill(spelling)
        page.get_by_role("button", name="Add", exact=True).click()
    for spelling, label in (("sigue", "entailment"), ("quizas", "neutral"), ("choca", "contradiction")):
        page.get_by_label(spelling).select_option(label)
    again = page.get_by_role("button", name="Read again")
    again.click()
    expect(page.get_by_role("status").get_by_text("18 pairs")).to_be_visible()
    expect(refusal).to_have_count(0)
    expect(page.get_by_role("heading", name="3. Train")).to_be_visible()
    expect(page.get_by_role("heading", name="2. How it was read")).to_be_focused()
    expect(page.get_by_role("columnheader", name="Hypothesis otra")).to_be_visible()
    visiting.shot("corrected")
    language = page.get_by_label("Language of the pairs")
    language.fill("Quechua")
    page.get_by_text("Correct columns or labels").click()
    page.get_by_label("choca").select_option("neutral")
    again.click()
    expect(page.get_by_text("neutral 12")).to_be_visible()
    expect(language).to_have_value("Quechua")  # what was chosen is not lost with the first reading


def test_a_file_may_say_its_language_in_any_words(settled: Service, visit: Visiting, tmp_path: Path) -> None:
    """And its texts may be as long as they like."""
    rows = [f"The dog {n} runs.;{'It moves. ' * 800};entailment;quechua cusqueño" for n in range(3)]
    (tmp_path / "named.csv").write_text("\n".join(["premise;hypothesis;label;lang", *rows]), encoding="utf-8")
    page = visit(f"{settled.url}/ui/new").page
    page.locator("input[type=file]").set_input_files(tmp_path / "named.csv")
    expect(page.get_by_label("Language of the pairs")).to_have_value("quechua cusqueño")
    expect(page.get_by_text(re.compile("^About "))).to_be_visible()


def test_a_file_that_is_gone_is_told_from_a_service_that_is_gone(
    settled: Service, visit: Visiting, files: dict[str, Path], tmp_path: Path
) -> None:
    mine = shutil.copy(files["pairs"], tmp_path / "mine.csv")
    page = visit(f"{settled.url}/ui/new").page
    page.locator("input[type=file]").set_input_files(mine)
    page.get_by_label("Language of the pairs").fill("Quechua")
    Path(mine).rename(tmp_path / "there.csv")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("changed, moved or deleted after it was chosen")
    page.locator("input[type=file]").set_input_files(tmp_path / "there.csv")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_file_that_misses_its_place_does_not_replace_the_page(settled: Service, visit: Visiting) -> None:
    page = visit(f"{settled.url}/ui/new").page
    expect(page.get_by_role("heading", name="1. Your file")).to_be_visible()
    for kind in ("dragover", "drop"):
        event = f"new DragEvent('{kind}', {{ bubbles: true, cancelable: true }})"
        assert page.evaluate(f"document.querySelector('h1').dispatchEvent({event})") is False


def test_a_field_that_is_refused_says_so_beside_it(settled: Service, visit: Visiting, files: dict[str, Path]) -> None:
    visiting = visit(f"{settled.url}/ui/new")
    visiting.expected = {422}
    page = visiting.page
    page.locator("input[type=file]").set_input_files(files["pairs"])
    language = page.get_by_label("Language of the pairs")
    language.fill("no language at all")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(language).to_have_attribute("aria-invalid", "true")
    described = str(language.get_attribute("aria-describedby")).split()
    assert len(described) == 2
    assert "no language at all" in page.locator(f"[id='{described[1]}']").inner_text()


def test_a_service_that_is_gone_is_told_from_one_that_refuses(settled: Service, visit: Visiting) -> None:
    visiting = visit(f"{settled.url}/ui/try")
    page = visiting.page
    page.get_by_label("Premise").fill("the dog runs")
    page.get_by_label("Hypothesis").fill("the dog")
    page.context.set_offline(True)
    page.get_by_role("button", name="Judge", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The service does not answer")
    page.context.set_offline(False)
    page.get_by_role("button", name="Judge", exact=True).click()
    expect(page.get_by_text("answered by")).to_be_visible()
    page.context.set_offline(True)
    visiting.go("Jobs")  # whose part of the program has not been fetched yet
    expect(page.get_by_role("heading", name="This page could not be shown")).to_be_visible()
    page.context.set_offline(False)
    page.get_by_role("button", name="Load the page again").click()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
