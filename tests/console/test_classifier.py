"""A classifier's page: its figures, its errors, its versions; and what can be done with it."""

from __future__ import annotations

import csv
import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from console.conftest import Visiting
from playwright.sync_api import Route, expect
from support.running_service import Service

from app.storage.models import AdapterRow

pytestmark = pytest.mark.slow

FILES = {
    "For a colleague who has LTP": ".safetensors",
    "For programmers: a whole model for transformers": "-hf.zip",
}
"""Forms a classifier is downloaded in, and how the names of their files end."""
GRAPHS = {
    "For programmers: a whole model as ONNX": "format=onnx",
    "For programmers: a small model as ONNX": "format=onnx&int8=true",
}
"""Those that take long to make, and how they are asked for."""


def adapters(service: Service, lang: str) -> list[dict[str, Any]]:
    """The ready classifiers of a language, newest first."""
    items: list[dict[str, Any]] = service.http.get("/adapters", params={"lang": lang}).json()["items"]
    return [each for each in items if each["status"] == "ready"]


def test_its_figures_are_those_of_the_api(settled: Service, visit: Visiting) -> None:
    newest = adapters(settled, "sw")[0]
    visiting = visit(f"{settled.url}/ui/classifiers/{newest['id']}")
    page = visiting.page
    expect(visiting.heading(f"Swahili, version {newest['version']}")).to_be_visible()
    score = newest["metrics"]["dev"]
    expect(page.get_by_role("main")).to_contain_text(f"{100 * score['accuracy']:.1f}%")
    shown = page.get_by_role("region", name="What it takes for what").locator("tbody td").all_inner_texts()
    assert [int(each) for each in shown] == [count for row in score["confusion"] for count in row]
    for title in ("How sure it says it is", "Fewer answers", "What it was made from"):
        expect(page.get_by_text(title).first).to_be_visible()
    visiting.shot("classifier")
    mexican = visit(page.url, language="es-MX").page  # Spanish, and figures as they are written there
    expect(mexican.get_by_role("main")).to_contain_text(re.compile(rf"{100 * score['accuracy']:.1f}\s?%"))


@pytest.mark.parametrize(
    ("gained", "p", "said"),
    [
        (0.0, 1.0, "todavía no han cambiado cuántas veces acierta: no hay una mejora medible"),
        (0.05, 0.4, "Sería una mejora de 5 puntos porcentuales, pero puede ser casualidad"),
        (0.05, 0.01, "El entrenamiento lo mejoró en 5 puntos porcentuales, más de lo que daría la casualidad"),
    ],
)
def test_what_training_brought_is_said_plainly(
    settled: Service, visit: Visiting, gained: float, p: float, said: str
) -> None:
    shown = adapters(settled, "es")[-1]
    start = {"accuracy": shown["metrics"]["dev"]["accuracy"] - gained, "p": p}
    with settled.app.state.db.write() as session:
        row = session.get_one(AdapterRow, shown["id"])
        row.metrics = row.metrics | {"baseline": row.metrics["baseline"] | {"start": start}}
    page = visit(f"{settled.url}/ui/classifiers/{shown['id']}", language="es-PE").page
    score = page.get_by_role("region", name="Qué tan bueno es")
    expect(score).to_contain_text(said)
    expect(score.get_by_role("link", name="Qué etiquetar ahora")).to_have_count(0 if p < 0.05 else 1)
    made = page.get_by_role("region", name="De qué se hizo")
    expect(made).to_contain_text("los mismos 18 pares, cada uno con un modelo que no lo había visto")
    made.get_by_text("Cómo se leyó su archivo").click()
    expect(made.get_by_text("18 pares").first).to_be_visible()
    expect(made.get_by_role("table")).to_have_count(0)  # a classifier keeps no rows of its file


def test_the_slider_says_what_leaving_unsure_answers_out_gives(settled: Service, visit: Visiting) -> None:
    newest = adapters(settled, "sw")[0]
    page = visit(f"{settled.url}/ui/classifiers/{newest['id']}").page
    slider = page.get_by_label("Leave out answers less sure than")
    expect(page.get_by_text("At 0%: 100% of the pairs are answered")).to_be_visible()
    slider.fill("1")
    curve = settled.http.get(f"/adapters/{newest['id']}").json()["metrics"]["certainty"]["curve"]
    least = min(point["answered"] for point in curve)
    expect(page.get_by_text(f"At 100%: {least:.0%} of the pairs are answered")).to_be_visible()


def test_its_errors_are_filtered_and_taken_along(settled: Service, visit: Visiting, tmp_path: Path) -> None:
    newest = adapters(settled, "sw")[0]
    page = visit(f"{settled.url}/ui/classifiers/{newest['id']}").page
    every = settled.http.get(f"/adapters/{newest['id']}/answers", params={"limit": 200}).json()["items"]
    wrong = [each for each in every if each["label"] != each["predicted"]]
    counted = page.get_by_text(f" of {len(every)}", exact=False)
    expect(counted.first).to_contain_text(str(len(wrong)))
    page.get_by_label("Only the wrong ones").uncheck()
    page.get_by_label("Pairs labelled").select_option("neutral")
    neutral = [each for each in every if each["label"] == "neutral"]
    expect(page.get_by_text(f"{len(neutral)} answers of {len(every)}")).to_be_visible()
    expect(page.get_by_role("region", name="Pairs it got wrong").locator("tbody tr")).to_have_count(len(neutral))
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    download.value.save_as(tmp_path / "answers.csv")
    with (tmp_path / "answers.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {row["label"] for row in csv.DictReader(file)} == {"neutral"}


def test_an_answer_that_was_overtaken_is_not_shown(settled: Service, visit: Visiting) -> None:
    """The pairs of any label come only after those of the one that was asked for next."""
    newest = adapters(settled, "sw")[0]
    page = visit(f"{settled.url}/ui/classifiers/{newest['id']}").page
    table = page.get_by_role("region", name="Pairs it got wrong")
    expect(table).to_be_visible()
    held: list[Route] = []
    page.route(re.compile(r"/answers\?sort=certainty"), lambda route: held.append(route))
    with page.expect_request(re.compile(r"/answers\?sort=certainty")):
        page.get_by_label("Only the wrong ones").uncheck()
    expect(page.get_by_text("wrong answers of 18")).to_be_visible()  # what is still shown
    page.get_by_label("Pairs labelled").select_option("neutral")
    expect(page.get_by_text("6 answers of 18")).to_be_visible()
    with page.expect_response(re.compile(r"/answers\?sort=certainty")):
        held[0].continue_()
    page.wait_for_load_state("networkidle")
    expect(table.locator("tbody tr")).to_have_count(6)


def test_versions_are_compared_promoted_exported_and_deleted(settled: Service, visit: Visiting) -> None:
    second, first = adapters(settled, "sw")[:2]
    visiting = visit(f"{settled.url}/ui/classifiers/{second['id']}")
    page = visiting.page
    page.get_by_role("button", name=f"Compare with {first['version']}").click()
    expect(page.get_by_text(re.compile("^No (real )?difference"))).to_be_visible()
    expect(page.get_by_text("On the 18 pairs that both are scored on")).to_be_visible()
    visiting.shot("versions")
    promote = page.get_by_role("button", name="Let it answer for its language")
    promote.click()
    expect(promote).to_have_count(0)
    versions = page.get_by_role("region", name="Versions beside each other").first
    expect(versions.get_by_role("row", name="second try")).to_contain_text("in use")
    expect(versions.get_by_text("in use")).to_have_count(1)
    aliased = settled.http.get("/adapters", params={"lang": "sw", "alias": "production"}).json()["items"]
    assert [each["id"] for each in aliased] == [second["id"]]
    page.get_by_role("button", name="Download", exact=True).click()
    forms = page.get_by_role("dialog", name="Download this classifier")
    ticket = settled.http.get(f"/tickets/{second['ticket']}").json()
    about = second["bytes"] + ticket["mask_bytes"]
    kilobytes = (Decimal(about) / 1000).quantize(Decimal("0.1"), ROUND_HALF_UP)  # as Intl rounds
    expect(forms).to_contain_text(f"About {kilobytes} kB.")
    visiting.shot("export")
    for form, name in FILES.items():
        forms.get_by_label(form, exact=True).check()
        with page.expect_download() as download:
            forms.get_by_role("button", name="Download").click()
        assert download.value.suggested_filename == f"sw-{second['version']}{name}"
        if name == ".safetensors":
            assert 0.8 * about < download.value.path().stat().st_size < 1.2 * about + 10_000  # of heads
        expect(forms).to_have_count(0)
        page.get_by_role("button", name="Download", exact=True).click()
    page.route("**/export?*", lambda route: route.abort())
    for form, asked in GRAPHS.items():
        forms.get_by_label(form, exact=True).check()
        with page.expect_request(re.compile(f"/adapters/{second['id']}/export\\?{asked}$")):
            forms.get_by_role("button", name="Download").click()
        expect(forms.get_by_role("alert")).to_contain_text("The service does not answer")
    forms.get_by_role("button", name="Close").click()
    page.goto(f"{settled.url}/ui/classifiers/{first['id']}")
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Delete this classifier?")).to_be_visible()
    dialog.get_by_role("button", name="Delete").click()
    expect(visiting.heading("Your languages")).to_be_visible()
    assert [each["id"] for each in adapters(settled, "sw")] == [second["id"]]


def test_a_classifier_in_use_goes_with_its_names_and_comes_back_from_its_file(
    settled: Service, visit: Visiting, tmp_path: Path
) -> None:
    """In Spanish; in between a file that is no classifier's."""
    (newest, *_) = adapters(settled, "sw")
    settled.http.put("/languages/sw/aliases/production", json={"version": newest["version"]})
    (tmp_path / "mine.safetensors").write_bytes(settled.http.get(f"/adapters/{newest['id']}/export").content)
    (tmp_path / "broken.safetensors").write_bytes(b"no classifier")
    visiting = visit(f"{settled.url}/ui/classifiers/{newest['id']}", language="es")
    page = visiting.page
    page.get_by_role("button", name="Eliminar", exact=True).click()
    dialog = page.get_by_role("dialog", name="¿Eliminar la versión que responde por suajili?")
    expect(dialog).to_contain_text("Esta versión está en uso")
    dialog.get_by_role("button", name="Retirarlo del uso y eliminarlo").click()
    expect(visiting.heading("Sus lenguas")).to_be_visible()
    assert newest["id"] not in [each["id"] for each in adapters(settled, "sw")]
    visiting.go("Nuevo clasificador")
    visiting.expected = {422}
    page.locator("input[type=file]").set_input_files(tmp_path / "broken.safetensors")
    expect(visiting.heading("Abrir un clasificador de un archivo")).to_be_visible()
    page.get_by_role("button", name="Abrirlo").click()
    expect(page.get_by_role("alert")).to_contain_text("Esto no es el archivo de un clasificador")
    page.locator("input[type=file]").set_input_files(tmp_path / "mine.safetensors")
    page.get_by_role("button", name="Abrirlo").click()
    expect(visiting.heading("suajili, versión")).to_be_visible()
    (again, *_) = adapters(settled, "sw")
    assert (again["origin"], again["aliases"]) == ("import", ["production"])
