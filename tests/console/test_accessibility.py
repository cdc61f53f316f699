"""Every page by axe-core, in light and in dark, and on a phone: nothing serious, and nothing wider than the screen."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from console.conftest import Visit, Visiting
from playwright.sync_api import Page, expect
from support.running_service import Service

pytestmark = pytest.mark.slow

SERIOUS = {"serious", "critical"}
PHONE = {"width": 360, "height": 740}
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SCROLLS = "element => element.scrollWidth - element.clientWidth"


def serious_faults(page: Page) -> list[str]:
    """What axe-core calls serious or critical, with the elements."""
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {fault['help']} {[node['target'] for node in fault['nodes']]}"
        for fault in found
        if fault["impact"] in SERIOUS
    ]


def pages(service: Service) -> dict[str, str]:
    """Each page by its path, with a heading that is there once the page is."""
    (spanish, *_) = service.http.get("/adapters", params={"lang": "es"}).json()["items"]
    (ticket, *_) = service.http.get("/tickets").json()["items"]
    (job, *_) = service.http.get("/jobs", params={"kind": "adapter", "status": "succeeded"}).json()["items"]
    return {
        "": "Languages",
        "new": "1. Your file",
        "open": "Open a classifier from a file",
        "try": "Try it",
        "judge": "Judge a file",
        "next": "What to label next",
        f"classifiers/{spanish['id']}": "What it was made from",
        f"jobs/{job['id']}": "It is ready",
        "tickets": "Tickets",
        f"tickets/{ticket['id']}": "Another share",
        "jobs": "Jobs",
        "workers": "Workers",
        "keys": "New key",
        "audit": "Audit",
    }


def look_at(visiting: Visit, service: Service) -> list[str]:
    """Go to each page in turn, and gather what is serious."""
    found = []
    for path, heading in pages(service).items():
        visiting.page.goto(f"{service.url}/ui/{path}")
        expect(visiting.heading(heading).first).to_be_visible()
        visiting.page.wait_for_load_state("networkidle")
        found += [f"/{path}: {fault}" for fault in serious_faults(visiting.page)]
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault(settled: Service, visit: Visiting, scheme: Literal["light", "dark"]) -> None:
    visiting = visit(f"{settled.url}/ui/", color_scheme=scheme)
    assert look_at(visiting, settled) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_file_that_was_read_and_a_judged_pair_have_no_serious_fault(
    settled: Service, visit: Visiting, files: dict[str, Path], scheme: Literal["light", "dark"]
) -> None:
    page = visit(f"{settled.url}/ui/new", color_scheme=scheme).page
    page.locator("input[type=file]").set_input_files(files["pairs"])
    expect(page.get_by_role("heading", name="3. Train")).to_be_visible()
    page.get_by_text("More choices").click()
    assert serious_faults(page) == []
    page.goto(f"{settled.url}/ui/try?lang=es")
    page.get_by_label("Premise").fill("the dog runs in the field")
    page.get_by_label("Hypothesis").fill("the dog runs")
    page.get_by_role("button", name="Judge", exact=True).click()
    expect(page.get_by_text("answered by")).to_be_visible()
    assert serious_faults(page) == []


def test_a_fault_would_be_noticed(settled: Service, visit: Visiting) -> None:
    page = visit(f"{settled.url}/ui/try").page
    expect(page.get_by_role("heading", name="Try it")).to_be_visible()
    page.evaluate("document.querySelector('main').innerHTML = '<img src=icon.svg>'")
    assert any(fault.startswith("image-alt") for fault in serious_faults(page))


def test_no_page_is_wider_than_a_phone(settled: Service, visit: Visiting) -> None:
    visiting = visit(f"{settled.url}/ui/", viewport=PHONE, color_scheme="dark")
    for path, heading in pages(settled).items():
        visiting.page.goto(f"{settled.url}/ui/{path}")
        expect(visiting.heading(heading).first).to_be_visible()
        assert visiting.page.evaluate(WIDER) <= 0, path
    spanish = visit(
        f"{settled.url}/ui/{next(path for path in pages(settled) if 'classifiers' in path)}",
        language="es",
        viewport=PHONE,
    ).page
    for table in ("confusion", "answers"):
        shown = spanish.locator(f".wide[aria-labelledby={table}]")
        expect(shown).to_be_visible()
        assert shown.evaluate(SCROLLS) <= 0, table
    visiting.page.get_by_role("button", name="Menu").click()
    expect(visiting.page.get_by_role("link", name="Tickets")).to_be_visible()
    visiting.shot("phone")
