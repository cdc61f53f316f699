"""A report's files: `NAME.md`, `NAME.html`, `NAME.json`, and `figures/NAME/*.svg`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ltp import atomic_file
from ltp.reproduce.report import contents, html, markdown
from ltp.reproduce.report.document import Document
from ltp.reproduce.report.report_source import ReportSource

FIGURES = "figures"


def write(source: ReportSource, folder: Path) -> list[Path]:
    """Write the report into `folder`, each file whole; return the paths of the three forms."""
    return write_document(source.full.name, contents.document(source), contents.facts(source), folder)


def write_document(name: str, document: Document, facts: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write a document and its facts under a name."""
    figures = folder / FIGURES / name
    figures.mkdir(parents=True, exist_ok=True)
    drawn = {figures / f"{figure.name}.svg": figure.svg for figure in document.figures}
    for stale in set(figures.glob("*.svg")) - set(drawn):
        stale.unlink()
    forms = {
        folder / f"{name}.md": markdown.render(document, figures=f"{FIGURES}/{name}"),
        folder / f"{name}.html": html.render(document),
        folder / f"{name}.json": json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
    }
    for path, text in (drawn | forms).items():
        atomic_file.write_text(path, text)
    return list(forms)
