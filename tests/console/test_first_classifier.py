"""From an empty service to a classifier that answers: the first page, the file, the curves, the first pair."""

from __future__ import annotations

import pytest
from console.conftest import Visit
from playwright.sync_api import expect
from support.running_service import Service

pytestmark = pytest.mark.slow

FIRST_PAGE = 200_000
"""Bytes that the first page may take, as they travel."""


def test_the_first_page_is_small_and_says_what_to_do(fresh: Service, visit: Visit) -> None:
    watched = visit(f"{fresh.url}/")
    page = watched.page
    expect(page.get_by_role("heading", name="Your first classifier")).to_be_visible()
    expect(page).to_have_url(f"{fresh.url}/ui/")
    assert page.evaluate("document.documentElement.lang") == "en"
    sizes = page.evaluate(
        "performance.getEntries().filter(each => 'transferSize' in each).map(each => each.transferSize)"
    )
    assert len(sizes) > 4
    assert sum(sizes) < FIRST_PAGE
    watched.shot("start-empty")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    expect(page).to_have_url(f"{fresh.url}/ui/")
