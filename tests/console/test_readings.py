"""A file that is not read as it is meant: what is wrong in the reader's language, and how a person puts it right."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from console.conftest import LABELS, Visiting
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
    expect(refusal).to_contain_text("It is not clear which columns hold the two sentences.")
    expect(refusal).to_contain_text("una")  # the columns that are there, as the API names them: folded
    expect(refusal).to_contain_text("Request")
    visiting.shot("refused")
    for role, column in (("Premise", "una"), ("Hypothesis", "otra"), ("Label", "juicio")):
        page.get_by_label(role, exact=True).fill(column)
    added = page.get_by_label("A label as the file spells it")
    for spelling in ("sigue", "quizas"):
        added.fill(spelling)
        added.press("Enter")
        expect(added).to_have_value("")
    added.fill("choca")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(added).to_be_focused()
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


TYPOS = ("contradise", "neutrall")


def test_unknown_labels_are_listed_and_said_in_the_readers_language(
    settled: Service, visit: Visiting, files: dict[str, Path], tmp_path: Path
) -> None:
    rows = "".join(f"{spelling} {n};el perro;{spelling}\n" for n, spelling in enumerate(TYPOS))
    (tmp_path / "typos.csv").write_text(files["pairs"].read_text("utf-8") + rows, encoding="utf-8")
    visiting = visit(f"{settled.url}/ui/new", language="es")
    visiting.expected = {422}
    page = visiting.page
    page.locator("input[type=file]").set_input_files(tmp_path / "typos.csv")
    refusal = page.get_by_role("alert")
    expect(refusal).to_contain_text("etiquetas que aquí no se conocen: contradise, neutrall.")
    expect(refusal.get_by_text("is not a label that is known")).to_be_hidden()
    refusal.get_by_text("en palabras del propio servicio").click()
    expect(refusal.get_by_text("is not a label that is known")).to_be_visible()
    page.get_by_role("button", name="Leer de nuevo").click()
    expect(page.get_by_label("contradise")).to_be_focused()  # the browser asks for what was not said
    for spelling, meaning in zip(TYPOS, ("contradicción", "neutral"), strict=True):
        page.get_by_label(spelling).select_option(label=meaning)
    visiting.shot("unknown-labels-es")
    page.get_by_role("button", name="Leer de nuevo").click()
    expect(page.get_by_role("status").get_by_text("20 pares")).to_be_visible()
    expect(page.get_by_role("heading", name="2. Cómo se ha leído")).to_be_focused()


def test_a_file_in_an_old_encoding_or_of_one_label_says_what_to_do(
    settled: Service, visit: Visiting, tmp_path: Path
) -> None:
    visiting = visit(f"{settled.url}/ui/new", language="es")
    visiting.expected = {422}
    page = visiting.page
    rows = "".join(f"la canción {n};el niño {n};entailment\n" for n in range(9))
    (tmp_path / "dos.csv").write_bytes(f"premise;hypothesis;label\n{rows}".encode("cp850"))
    page.locator("input[type=file]").set_input_files(tmp_path / "dos.csv")
    expect(page.get_by_role("alert")).to_contain_text("Guárdelo como CSV UTF-8: en Excel, «Guardar como»")
    (tmp_path / "excel.csv").write_bytes(f"premise;hypothesis;label\n{rows}".encode("cp1252"))
    page.locator("input[type=file]").set_input_files(tmp_path / "excel.csv")  # as Excel writes it in Spain
    expect(page.get_by_text("Todos los pares tienen la misma etiqueta: implicación.")).to_be_visible()
    expect(page.get_by_text("No hay nada que deba revisar.")).to_have_count(0)
    expect(page.get_by_role("button", name="Entrenar", exact=True)).to_have_count(0)
    two = rows + "el gato;un perro;contradiction\n"
    (tmp_path / "two.csv").write_text(f"premise;hypothesis;label\n{two}", encoding="utf-8")
    page.locator("input[type=file]").set_input_files(tmp_path / "two.csv")
    expect(page.get_by_text("Ningún par tiene la etiqueta neutral.")).to_be_visible()
    page.get_by_text("Más opciones").click()
    expect(page.get_by_label("Dos: se sigue o no")).to_be_checked()


def test_what_deserves_a_look_is_said_once_and_in_the_readers_words(
    settled: Service, visit: Visiting, tmp_path: Path
) -> None:
    rows = [
        "El perro corre.,Se mueve.,implica",
        "El gato corre.,Se mueve.,implica",
        "Llueve.,Hace sol.,contradice",
        "Llueve.,Hace frío.,neutral",
        "Nieva.,Cae.,implica",
        "Nieva.,Cae.,neutral",
    ]
    (tmp_path / "mios.csv").write_text("\n".join(["premisa,hipótesis,juicio", *rows]), encoding="utf-8")
    page = visit(f"{settled.url}/ui/new", language="es").page
    page.locator("input[type=file]").set_input_files(tmp_path / "mios.csv")
    reading = page.get_by_role("region", name="2. Cómo se ha leído")
    expect(
        reading.get_by_role("listitem").get_by_text("2 filas omitidas: su par tiene etiquetas distintas")
    ).to_be_visible()
    expect(reading).to_contain_text("1 par aparece con etiquetas distintas.")
    expect(reading).to_contain_text("La etiqueta se tomó de la columna «juicio», porque contiene etiquetas.")
    expect(reading).to_contain_text("contadas en las 6 filas, antes de omitir ninguna")
    english = reading.get_by_text("2 rows are left out")
    expect(english).not_to_be_visible()
    reading.get_by_text("Con las palabras del servicio, en inglés").click()
    expect(english).to_be_visible()
    expect(page.get_by_text(re.compile("Es un cálculo aproximado|Según .* suyos? recientes?"))).to_be_visible()


def test_a_file_may_say_its_language_in_any_words(settled: Service, visit: Visiting, tmp_path: Path) -> None:
    """And its texts may be as long as they like."""
    rows = [f"The dog {label} runs.;{'It moves. ' * 800};{label};quechua cusqueño" for label in LABELS]
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
    expect(page.get_by_role("alert")).to_contain_text("no language at all")
    described = str(language.get_attribute("aria-describedby")).split()
    assert len(described) == 2
    assert "No language of this name" in page.locator(f"[id='{described[1]}']").inner_text()


def test_a_language_is_looked_at_as_soon_as_its_field_is_left(
    settled: Service, visit: Visiting, files: dict[str, Path]
) -> None:
    visiting = visit(f"{settled.url}/ui/new", language="es")
    visiting.expected = {422}
    page = visiting.page
    page.locator("input[type=file]").set_input_files(files["pairs"])
    language = page.get_by_label("Lengua de los pares")
    for written, told in (
        ("quechua ayacuchano", "Se entiende como quechua ayacuchano (quy)."),
        ("Quechua", "algunas tienen código propio: quechua ayacuchano (quy), quechua cusqueño (quz)."),
        ("Ayacucho Quechua!", "Aquí no se conoce ninguna lengua con este nombre o código."),
        ("Kiribati", "¿Se refiere a"),
    ):
        language.fill(written)
        language.press("Tab")
        expect(page.get_by_text(told)).to_be_visible()


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
