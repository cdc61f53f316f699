"""What those who run the service look at: tickets, jobs, workers, keys, the audit trail; with keys and without."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from console.conftest import Visiting
from playwright.sync_api import Route, expect
from support.running_service import Service
from support.service_with_keys import ADMIN_KEY

from app import jobs
from app.jobs.workers import forget_worker

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
    before = settled.http.get("/tickets").json()["items"]
    page.route("**/tickets", lose_the_answer, times=1)
    make = page.get_by_role("button", name="Make this ticket")
    make.click()
    expect(page.get_by_role("alert")).to_contain_text("The service does not answer")
    make.click()  # it was asked for, all the same: that is not done twice
    page.get_by_role("link", name="Look at the ticket").click()
    expect(page.get_by_text("10.0%").first).to_be_visible()
    assert len(settled.http.get("/tickets").json()["items"]) == len(before) + 1


def lose_the_answer(route: Route) -> None:
    """Let a request reach the service, and lose what that says."""
    route.fetch()
    route.abort()


def test_a_ticket_is_made_from_a_text_of_ones_own(settled: Service, visit: Visiting, tmp_path: Path) -> None:
    (tmp_path / "prose.txt").write_text("\n".join(f"the cat number {n} sleeps" for n in range(12)), encoding="utf-8")
    page = visit(f"{settled.url}/ui/tickets").page
    page.get_by_text("A new ticket from text").click()
    page.get_by_label("A file of mine").check()
    page.locator("input[type=file]").set_input_files(tmp_path / "prose.txt")
    page.get_by_label("Language of the pairs").fill("English")
    page.get_by_label("A name for it").fill("of my own")
    page.get_by_role("button", name="Make the ticket").click()
    page.get_by_role("link", name="Look at the ticket").click()
    expect(page.get_by_role("heading", name="of my own")).to_be_visible()
    expect(page.get_by_role("region", name="The drift it was selected from")).to_contain_text("English")


def test_what_failed_while_nobody_looked_is_told_and_why(idle: Service, visit: Visiting) -> None:
    page = visit(f"{idle.url}/ui/").page
    accepted = idle.http.post("/tickets", json={"name": "mine", "corpus": {"builtin": "demo"}}).json()
    expect(page.get_by_role("region", name="Under way")).to_contain_text("Ticket: English, mine")
    with idle.app.state.db.write() as session:
        claim = jobs.claim(session, owner="test", lease_s=600)
        jobs.fail(session, claim, code="storage_full", detail="there is no room left to write the result")
    expect(page.get_by_role("region", name="Failed in the last day")).to_contain_text("Ticket: English, mine")
    expect(page.get_by_role("region", name="Under way")).to_have_count(0)
    page.goto(f"{idle.url}/ui/tickets/{accepted['ticket']['id']}")
    expect(page.get_by_role("alert")).to_contain_text("There is no room left on the machine.")
    expect(page.get_by_role("main").get_by_role("link", name="Ticket: English, mine")).to_be_visible()


def test_how_far_a_job_is_is_told_of_all_of_it_and_in_the_readers_words(idle: Service, visit: Visiting) -> None:
    accepted = idle.http.post("/tickets", json={"name": "slow", "corpus": {"builtin": "demo"}}).json()
    with idle.app.state.db.write() as session:
        claim = jobs.claim(session, owner="test", lease_s=600)

    def report(phase: str, step: int, total: int, eta_s: float) -> None:
        with idle.app.state.db.write() as session:
            jobs.record_progress(session, claim, phase=phase, step=step, total=total, metrics={}, eta_s=eta_s)

    report("backbone", 1, 1, 1.0)
    page = visit(f"{idle.url}/ui/jobs/{accepted['job']['id']}", language="es").page
    state, bar = page.get_by_role("region", name="Estado"), page.get_by_role("progressbar")
    expect(state).to_contain_text("Cargando el modelo")
    expect(state).not_to_contain_text("quedan")
    assert bar.get_attribute("value") is None  # it goes on, and nobody knows how far it is
    report("training", 20, 100, 600.0)
    expect(state).to_contain_text("quedan como máximo 10 min")
    expect(state).to_contain_text("Suele terminar antes")
    expect(bar).to_have_attribute("value", "0.2")
    report("publish", 1, 1, 1.0)
    expect(state).to_contain_text("Guardando")
    expect(state).not_to_contain_text("quedan")
    page.goto(f"{idle.url}/ui/jobs")
    row = page.get_by_role("row", name="slow")
    expect(row).to_contain_text("Guardando")
    expect(row).to_contain_text("lleva")
    with idle.app.state.db.write() as session:
        jobs.fail(session, claim, code="storage_full", detail="there is no room left to write the result")


def test_where_nobody_can_answer_the_way_to_a_first_classifier_is_shown(
    idle: Service, visit: Visiting, files: dict[str, Path]
) -> None:
    page = visit(f"{idle.url}/ui/try").page
    expect(page.get_by_text("There is no classifier yet.")).to_be_visible()
    page.goto(f"{idle.url}/ui/judge")
    page.locator("input[type=file]").set_input_files(files["unlabelled"])
    page.get_by_role("main").get_by_role("link", name="New classifier").click()
    expect(page.get_by_role("heading", name="1. Your file")).to_be_visible()


def test_jobs_and_workers_are_listed(settled: Service, visit: Visiting) -> None:
    visiting = visit(f"{settled.url}/ui/jobs")
    page = visiting.page
    page.get_by_label("State").select_option("succeeded")
    expect(page.get_by_role("link", name=re.compile("^Training: Spanish")).first).to_be_visible()
    visiting.shot("jobs")
    visiting.go("Workers")
    expect(page.get_by_text("No worker was heard lately")).to_be_visible()
    with settled.app.state.db.write() as session:
        job = settled.http.get("/jobs").json()["items"][0]["id"]
        jobs.see_worker(session, worker_id="w", host="gpu-3", device="cuda:0", job_id=job, kinds=["adapter", "ticket"])
    page.reload()
    row = page.get_by_role("row", name="gpu-3")
    visiting.shot("workers")
    expect(row).to_contain_text("cuda:0")
    expect(row).to_contain_text("Ticket, Training")
    row.get_by_role("link", name="Job").click()
    expect(page).to_have_url(f"{settled.url}/ui/jobs/{job}")
    with settled.app.state.db.write() as session:
        forget_worker(session, "w")


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
    expect(dialog).to_contain_text("el servicio no la conoce")
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
    expect(page.get_by_label("look at everything")).to_be_checked()
    expect(page.get_by_label("train, promote, delete")).not_to_be_checked()  # who needs it asks for it
    page.get_by_role("button", name="Make the key").click()
    secret = page.get_by_role("status").locator("code").inner_text()
    visiting.shot("keys")
    reader = visit(f"{guarded.url}{ROOT}/ui/")
    reader.expected = {401}
    reader.page.get_by_role("button", name="Cancel").click()  # not at once: it is asked for again where it is wanted
    reader.page.get_by_role("button", name="Enter a key").first.click()
    reader.page.get_by_role("button", name="Cancel").click()
    reader.go("Try it")
    reader.page.get_by_label("Key", exact=True).fill(secret)
    reader.page.get_by_role("button", name="Use this key").click()
    expect(reader.page.get_by_role("link", name="Jobs")).to_be_visible()
    expect(reader.page.get_by_role("link", name="Keys")).to_have_count(0)
    page.get_by_role("button", name="Revoke laptop of A.").click()
    page.get_by_role("dialog", name="Revoke the key “laptop of A.”?").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("There are no keys yet.")).to_be_visible()
    visiting.go("Audit")
    expect(page.get_by_role("cell", name="key made create_key").first).to_be_visible()
    expect(page.get_by_text("revoke_key")).to_be_visible()
    visiting.shot("audit")
