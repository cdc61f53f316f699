"""What those who run the service look at: tickets, jobs, workers, keys, the audit trail; with keys and without."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from console.conftest import Visiting
from playwright.sync_api import expect
from support.running_service import Service
from support.service_with_keys import ADMIN_KEY

pytestmark = pytest.mark.slow

ROOT = "/tools/ltp"


def test_a_ticket_shows_its_layers_and_what_another_share_would_cost(settled: Service, visit: Visiting) -> None:
    visiting = visit(f"{settled.url}/ui/tickets")
    page = visiting.page
    page.get_by_role("link", name="small").click()
    expect(page.get_by_role("region", name="Where its parameters are:")).to_contain_text("words")
    drift = settled.http.get("/drifts").json()["items"][0]
    source = page.get_by_role("region", name="The drift it was selected from")
    expect(source).to_contain_text(drift["id"])
    expect(source).to_contain_text(f"{drift['moved']:,} of {drift['selectable']:,}")
    slider = page.get_by_label("Share of the parameters that may train")
    slider.fill("10")
    expect(page.get_by_text(re.compile("the ticket takes about .* each classifier on it"))).to_be_visible()
    visiting.shot("ticket")
    page.get_by_role("button", name="Make this ticket").click()
    page.get_by_role("link", name="Look at the ticket").click()
    expect(page.get_by_text("10.0%").first).to_be_visible()


def test_jobs_and_workers_are_listed(settled: Service, visit: Visiting) -> None:
    visiting = visit(f"{settled.url}/ui/jobs")
    page = visiting.page
    page.get_by_label("State").select_option("succeeded")
    expect(page.get_by_role("link", name=re.compile("^Training: Swahili")).first).to_be_visible()
    visiting.shot("jobs")
    visiting.go("Workers")
    expect(page.get_by_text("No worker was heard lately")).to_be_visible()
    visiting.shot("workers")


def test_a_key_is_asked_for_once_and_kept_for_the_tab(
    guarded: Service, visit: Visiting, files: dict[str, Path]
) -> None:
    """In Spanish, below a path of its own: a wrong key, the right one, a file, a classifier, its first answer."""
    visiting = visit(f"{guarded.url}{ROOT}/", language="es")
    visiting.expected = {401}
    page = visiting.page
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Clave").fill("not the key")
    visiting.shot("key-es")
    dialog.get_by_role("button", name="Usar esta clave").click()
    expect(dialog).to_contain_text("send a valid key")
    dialog.get_by_label("Clave").fill(ADMIN_KEY)
    dialog.get_by_role("button", name="Usar esta clave").click()
    expect(visiting.heading("Su primer clasificador")).to_be_visible()
    visiting.expected = set()
    page.reload()
    expect(visiting.heading("Su primer clasificador")).to_be_visible()
    expect(dialog).to_have_count(0)
    visiting.go("Nuevo clasificador")
    page.locator("input[type=file]").set_input_files(files["pairs"])
    page.get_by_label("Lengua de los pares").fill("quechua")
    page.get_by_role("button", name="Entrenar", exact=True).click()
    expect(visiting.heading("Está listo")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Probar").click()
    page.get_by_label("Premisa").fill("the dog runs in the field")
    page.get_by_label("Hipótesis").fill("the dog runs")
    page.get_by_role("button", name="Evaluar", exact=True).click()
    expect(page.get_by_text("respondió quechua, versión 1")).to_be_visible()
    visiting.shot("try-es")


def test_keys_are_made_and_revoked_and_everything_is_in_the_audit_trail(guarded: Service, visit: Visiting) -> None:
    visiting = visit(f"{guarded.url}{ROOT}/ui/keys")
    visiting.expected = {401}
    page = visiting.page
    page.get_by_label("Key", exact=True).fill(ADMIN_KEY)
    page.get_by_role("button", name="Use this key").click()
    page.get_by_label("Name").fill("laptop of A.")
    page.get_by_label("look at everything").check()
    page.get_by_label("train, promote, delete").uncheck()
    page.get_by_role("button", name="Make the key").click()
    secret = page.get_by_role("status").locator("code").inner_text()
    visiting.shot("keys")
    reader = visit(f"{guarded.url}{ROOT}/ui/")
    reader.expected = {401}
    reader.page.get_by_label("Key", exact=True).fill(secret)
    reader.page.get_by_role("button", name="Use this key").click()
    expect(reader.page.get_by_role("link", name="Jobs")).to_be_visible()
    expect(reader.page.get_by_role("link", name="Keys")).to_have_count(0)
    page.get_by_role("button", name="Revoke laptop of A.").click()
    expect(page.get_by_text("There are no keys yet.")).to_be_visible()
    visiting.go("Audit")
    expect(page.get_by_text("create_key")).to_be_visible()
    expect(page.get_by_text("revoke_key")).to_be_visible()
    visiting.shot("audit")
