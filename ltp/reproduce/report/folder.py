"""A report's files: `NAME.md`, `NAME.html`, `NAME.json`, and `figures/NAME/*.svg`."""

from __future__ import annotations

import json
from pathlib import Path

from ltp import atomic_file
from ltp.reproduce.report import contents, html, markdown
from ltp.reproduce.report.report_source import ReportSource

FIGURES = "figures"


def write(source: ReportSource, folder: Path) -> list[Path]:
    """Write the report into `folder`, each file whole; return the paths of the three forms."""
    name = source.full.name
    figures = folder / FIGURES / name
    figures.mkdir(parents=True, exist_ok=True)
    document = contents.document(source)
    drawn = {figures / f"{figure.name}.svg": figure.svg for figure in document.figures}
    for stale in set(figures.glob("*.svg")) - set(drawn):
        stale.unlink()
    forms = {
        folder / f"{name}.md": markdown.render(document, figures=f"{FIGURES}/{name}"),
        folder / f"{name}.html": html.render(document),
        folder / f"{name}.json": json.dumps(contents.facts(source), indent=1, ensure_ascii=False, allow_nan=False)
        + "\n",
    }
    for path, text in (drawn | forms).items():
        atomic_file.write_text(path, text)
    return list(forms)
