"""The pages for people say what is so: paths that are there, the levels as they are tested, every setting."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from support import settings_page
from test_layout import LEVELS

from ltp.reproduce.plan.bounds import Bounds
from ltp.reproduce.plan.experiment import Experiment, Setting

ROOT = Path(__file__).parents[2]
ARCHITECTURE = ROOT / "docs" / "architecture.md"
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/architecture.md",
    "docs/backbones.md",
    "docs/certainty.md",
    "docs/console.md",
    "docs/data.md",
    "docs/deploy.md",
    "docs/export.md",
    "docs/few-pairs.md",
    "docs/gpu.md",
    "docs/kubernetes.md",
    "docs/label-spaces.md",
    "docs/python.md",
    "docs/questions.md",
    "docs/reproduce.md",
    "docs/settings.md",
    "docs/starters.md",
    "docs/storage.md",
    "docs/texts.md",
    "docs/webhooks.md",
]
OURS = "app|ltp|worker|tests|migrations|bench|console|deploy|docs|demo|examples"


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_links_to_is_there(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text("utf-8"))
    assert not [link for link in links if not (path.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_in_the_tree_is_there(page: str) -> None:
    """`app/jobs/queue`, `ltp/drift/train.py` and `app/storage/models/` in backticks are modules, files and folders."""
    named = re.findall(rf"`((?:{OURS})/[\w./-]*)`", (ROOT / page).read_text("utf-8"))
    there = [name for name in named if (ROOT / name).exists() or (ROOT / f"{name}.py").is_file()]
    assert sorted(set(named) - set(there)) == []


def test_every_key_of_an_experiment_is_described() -> None:
    page = (ROOT / "docs" / "reproduce.md").read_text("utf-8").partition("## An experiment of your own")[2]
    described = set(re.findall(r"`\[*([a-z_.]+)\]*`", page.partition("\n## ")[0]))
    wanted = {field.name for field in fields(Experiment)} | {field.name for field in fields(Bounds)} | {"quick"}
    assert (wanted | {f"settings.{field.name}" for field in fields(Setting)}) - described == set()


@pytest.mark.parametrize("package", LEVELS)
def test_every_folder_has_a_line_in_the_tree(package: str) -> None:
    tree = ARCHITECTURE.read_text("utf-8").partition("```text\n")[2].partition("```")[0]
    drawn = set(re.findall(rf"^{package}/.*?(?=^\w)", tree + "end", re.MULTILINE | re.DOTALL))
    assert len(drawn) == 1
    lines = set(re.findall(r"^ +(\w+)/ ", drawn.pop(), re.MULTILINE))
    folders = {path.parent.name for path in (ROOT / package).rglob("__init__.py")} - {package}
    assert lines == folders


def test_the_levels_are_those_that_are_tested() -> None:
    rows = re.findall(r"^\| \d+ \|(.*)\|(.*)\|(.*)\|$", ARCHITECTURE.read_text("utf-8"), re.MULTILINE)
    for column, package in enumerate(("ltp", "app", "worker")):
        levels = [set(re.findall(r"`(\w+)`", row[column])) for row in rows]
        assert [level for level in levels if level] == LEVELS[package]


def test_the_page_of_settings_is_that_of_the_settings() -> None:
    written = settings_page.PAGE.read_text("utf-8")
    assert written == settings_page.page(), "write it anew: `.venv/bin/python tests/support/settings_page.py`"
