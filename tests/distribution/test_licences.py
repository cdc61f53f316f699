"""NOTICE tells what the metadata of the locked dependencies says, and what is not under the project's licence."""

from __future__ import annotations

import re
import tomllib
from email.message import Message
from importlib.metadata import metadata, version
from pathlib import Path

from support.locks import BASE, locked

ROOT = Path(__file__).parents[2]
NOTICE = (ROOT / "NOTICE").read_text("utf-8")
WITH_TERMS = re.compile(r"\b[AL]?GPL|\bMPL|Mozilla|\bEPL|\bCDDL|\bEUPL|\bCC-BY-(NC|SA)", re.IGNORECASE)
"""Licences with terms for whoever passes a changed copy on."""


def licence(found: Message) -> str:
    """The licence by its expression, else by its field, else by its classifiers."""
    classifiers = [each for each in found.get_all("Classifier", []) if each.startswith("License ::")]
    field = str(found.get("License", "")).strip()
    return str(found.get("License-Expression", "")) or (field if "\n" not in field else "") or "; ".join(classifiers)


def test_notice_names_the_licences_with_terms_among_the_dependencies() -> None:
    found = {}
    for name, each in locked(BASE).items():
        if each.requirement.marker and not each.requirement.marker.evaluate():
            continue
        assert version(name) == each.version, f"{name} is not installed as it is locked: make setup"
        assert licence(metadata(name)), f"{name} names no licence"
        if WITH_TERMS.search(licence(metadata(name))):
            found[name] = licence(metadata(name))
    assert {"certifi", "psycopg"} <= set(found)
    assert dict(re.findall(r"^  ([a-z0-9-]+)  +(\S.*)$", NOTICE, re.MULTILINE)) == found


def test_notice_and_licence_except_the_data_files_that_are_partly_from_text_under_other_terms() -> None:
    (file,) = (ROOT / "ltp").rglob("*adaptation*.safetensors")
    shipped = {str(path.relative_to(ROOT / "ltp")) for path in (ROOT / "ltp").rglob("*.safetensors")}
    assert shipped - {"starter/files/mini.safetensors"} == {str(file.relative_to(ROOT / "ltp"))}
    licence_file = (ROOT / "LICENSE").read_text("utf-8")
    for text in (NOTICE, licence_file):
        assert file.name in text
        assert "starter/files/mini.safetensors" in text
        assert "CC BY-NC" in text
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["license-files"] == ["LICENSE", "NOTICE"]
    other = project["license"].removeprefix("Apache-2.0 AND ")
    assert other in NOTICE
