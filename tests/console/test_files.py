"""Files of many pairs: judged as a whole, or asked for what to label next; and pairs of several languages at once."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from console.conftest import Visiting
from playwright.sync_api import expect
from support.running_service import Service

pytestmark = pytest.mark.slow


def test_a_file_is_judged_and_taken_along(
    settled: Service, visit: Visiting, files: dict[str, Path], tmp_path: Path
) -> None:
    visiting = visit(f"{settled.url}/ui/judge")
    page = visiting.page
    page.locator("input[type=file]").set_input_files(files["unlabelled"])
    expect(page.get_by_text("18 pairs")).to_be_visible()
    page.get_by_label("Who is to answer").select_option("es")
    page.get_by_role("button", name="Judge", exact=True).click()
    expect(page.get_by_text("18 pairs judged.")).to_be_visible()
    expect(page.get_by_text("18 rows: Spanish, version 1")).to_be_visible()
    visiting.shot("judged")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the result").click()
    download.value.save_as(tmp_path / "result.csv")
    with (tmp_path / "result.csv").open(encoding="utf-8-sig", newline="") as file:
        judged = list(csv.DictReader(file, delimiter=";"))
    assert len(judged) == 18
    assert all(row["label"] in ("entailment", "neutral", "contradiction") for row in judged)
    visiting.go("Judge a file")
    page.get_by_role("main").get_by_role("link", name="unlabelled.csv").click()
    erase = page.get_by_role("button", name="Delete file and result")
    erase.click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("18 pairs judged.")).to_be_visible()
    erase.click()
    page.get_by_role("dialog").get_by_role("button", name="Delete file and result").click()
    expect(visiting.heading("Judge a file")).to_be_visible()
    expect(page.get_by_role("main").get_by_role("link", name="unlabelled.csv")).to_have_count(0)


def test_judging_a_file_can_be_cancelled(settled: Service, visit: Visiting, tmp_path: Path) -> None:
    rows = "".join(f"The dog number {n} runs over the field.,It moves.\n" for n in range(20_000))
    (tmp_path / "long.csv").write_text(f"premise,hypothesis\n{rows}", encoding="utf-8")
    page = visit(f"{settled.url}/ui/judge", language="es").page
    page.locator("input[type=file]").set_input_files(tmp_path / "long.csv")
    page.get_by_role("button", name="Evaluar", exact=True).click()
    page.get_by_role("button", name="Cancelar este trabajo").click()
    expect(page.get_by_text("cancelado").first).to_be_visible()


def test_pairs_are_labelled_with_three_keys_and_trained_on_again(
    settled: Service, visit: Visiting, files: dict[str, Path]
) -> None:
    visiting = visit(f"{settled.url}/ui/next?lang=es")
    page = visiting.page
    page.locator("input[type=file]").set_input_files(files["unlabelled"])
    number = page.get_by_label("How many pairs")
    number.press("End")
    for key in ("Backspace", "Backspace", "5"):
        number.press(key)
    page.get_by_role("button", name="Give me the pairs").click()
    expect(page.get_by_role("region", name="Pair 1 of 5")).to_be_focused()
    visiting.shot("label-next")
    for key in "1230":
        page.keyboard.press(key)
    expect(page.get_by_text("Pair 5 of 5")).to_be_visible()
    page.keyboard.press("Backspace")
    expect(page.get_by_text("Pair 4 of 5")).to_be_visible()
    page.reload()  # what was labelled is still there
    expect(page.get_by_role("region", name="Pair 4 of 5")).to_be_focused()
    page.keyboard.press("3")
    expect(page.get_by_text("Pair 5 of 5")).to_be_visible()
    page.get_by_role("button", name="That is enough").click()
    expect(visiting.heading("4 pairs labelled")).to_be_focused()
    page.get_by_role("button", name="Train again").click()
    expect(visiting.heading("It is ready")).to_be_visible()
    newest = settled.http.get("/adapters", params={"lang": "es"}).json()["items"][0]
    assert (newest["version"], newest["examples"]["train"]) == (2, 22)


def test_pairs_of_several_languages_say_who_answered(settled: Service, visit: Visiting) -> None:
    visiting = visit(f"{settled.url}/ui/try")
    page = visiting.page
    page.get_by_label("Who is to answer").select_option("es")
    page.get_by_role("button", name="Add a pair").click()
    second = page.get_by_role("group", name="Pair 2")
    second.get_by_label("Who is to answer").select_option(label="Another language…")
    second.get_by_label("Language of the pairs").fill("Quechua (qu)")
    page.get_by_role("button", name="Add a pair").click()
    third = page.get_by_role("group", name="Pair 3")
    third.get_by_label("Language of the pairs").fill("kiswahili")  # as it calls itself
    for place in (1, 2, 3):
        pair = page.get_by_role("group", name=f"Pair {place}")
        pair.get_by_label("Premise").fill("the dog runs in the field")
        pair.get_by_label("Hypothesis").fill("the dog runs")
    page.get_by_label("Give no answer when less sure than").fill("0.95")
    page.get_by_role("button", name="Judge", exact=True).click()
    expect(page.get_by_text(re.compile("answered by Spanish, version"))).to_be_visible()
    expect(page.get_by_text("answered by Many languages, version 1")).to_be_visible()
    expect(page.get_by_text(re.compile("answered by Swahili, version"))).to_be_visible()
    expect(page.get_by_text("This language has no classifier of its own yet")).to_be_visible()
    expect(page.get_by_text("not sure enough").first).to_be_visible()
    visiting.shot("try-several")
