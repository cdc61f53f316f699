"""docs/settings.md, made from the settings themselves. `.venv/bin/python tests/support/settings_page.py` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.settings import PREFIX, Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
HEAD = """# Settings

Environment variables, or lines of a file `.env` in the working directory. `ltp settings` prints each with its value and
where that is from. Secrets have no default. Compose takes those of
[.env.example](../.env.example).

| variable | default | meaning |
|---|---|---|
"""
FOLDERS = {"data_dir": "the user's data folder", "backbone_dir": "the user's cache folder"}
"""Defaults that are another path on every machine."""


def page() -> str:
    """Return the page as it should be."""
    rows = (_row(name, info.get_default(), info.description or "") for name, info in Settings.model_fields.items())
    return HEAD + "".join(rows)


def _row(name: str, default: Any, description: str) -> str:
    shown = FOLDERS.get(name) or ("" if default in (None, "") else f"`{default}`")
    meaning = " ".join(description.split()).replace("|", "\\|")
    return f"| `{PREFIX}{name.upper()}` | {shown} | {meaning} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
