"""A report's files: `report.md`, `report.html`, `report.json`, and `figures/NAME.svg`."""

from __future__ import annotations

import json
from pathlib import Path

from ltp.reproduce.ledger import write_whole
from ltp.reproduce.report import contents, html, markdown
from ltp.reproduce.report.subject import Subject

MARKDOWN, HTML, JSON = "report.md", "report.html", "report.json"


def write(subject: Subject, folder: Path) -> list[Path]:
    """Write the report into `folder`, each file whole; return the paths of the three forms."""
    figures = folder / markdown.FIGURES
    figures.mkdir(parents=True, exist_ok=True)
    document = contents.document(subject)
    drawn = {figures / f"{figure.name}.svg": figure.svg for figure in document.figures}
    for stale in set(figures.glob("*.svg")) - set(drawn):
        stale.unlink()
    forms = {
        folder / MARKDOWN: markdown.render(document),
        folder / HTML: html.render(document),
        folder / JSON: json.dumps(contents.facts(subject), indent=1, ensure_ascii=False) + "\n",
    }
    for path, text in (drawn | forms).items():
        write_whole(path, text)
    return list(forms)
