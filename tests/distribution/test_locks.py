"""What is declared and what is locked: ranges for those who install the package, exact versions with hashes for us."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support.locks import BASE, BENCH, LOCKS, TEST, locked

ROOT = Path(__file__).parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text("utf-8")
PROJECT = tomllib.loads(PYPROJECT)["project"]
BUILD = tomllib.loads(PYPROJECT)["build-system"]["requires"]
APART = re.compile(r"(torch|triton|cuda|nvidia)\b")
"""torch, whose builds differ by index, and what only some of them need."""


def torch_version() -> str:
    match = re.search(r"^TORCH := torch==(\S+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert match
    return match[1]


def test_there_is_something_to_look_at() -> None:
    assert len(PROJECT["dependencies"]) > 30
    assert [len(locked(file)) > least for file, least in zip(LOCKS, (60, 30, 1), strict=True)] == [True] * 3


EXTRAS = PROJECT["optional-dependencies"]
OPTIONAL = EXTRAS["files"]
IN_THE_IMAGE = OPTIONAL + EXTRAS["telemetry"] + EXTRAS["s3"]


def test_the_extra_for_files_is_those_for_each_kind_together() -> None:
    assert sorted(OPTIONAL) == sorted(EXTRAS["spreadsheets"] + EXTRAS["parquet"])


@pytest.mark.parametrize("text", PROJECT["dependencies"] + IN_THE_IMAGE)
def test_a_dependency_is_a_range_with_both_ends_and_locked_inside_it(text: str) -> None:
    requirement = Requirement(text)
    name = canonicalize_name(requirement.name)
    version = torch_version() if name == "torch" else locked(BASE)[name].version
    assert requirement.specifier.contains(version)
    operators = sorted(each.operator for each in requirement.specifier)
    if operators == ["=="]:
        assert re.search(rf'"{re.escape(text)}",\s+# \w+', PYPROJECT), "an exact version has its reason beside it"
    else:
        assert operators == ["<", ">="]


@pytest.mark.parametrize(("extra", "text"), [(extra, text) for extra in ("test", "bench") for text in EXTRAS[extra]])
def test_a_tool_is_pinned_and_locked_at_that_version(extra: str, text: str) -> None:
    """What decides whether a check passes is one version, not a range."""
    requirement = Requirement(text)
    (pin,) = requirement.specifier
    assert pin.operator == "=="
    files = {"test": (TEST,), "bench": (TEST, BENCH)}[extra]
    assert locked(BASE, *files)[canonicalize_name(requirement.name)].version == pin.version


@pytest.mark.parametrize("text", EXTRAS["export"])
def test_what_exports_is_a_range_around_what_is_tested(text: str) -> None:
    requirement = Requirement(text)
    assert requirement.specifier.contains(locked(BASE, TEST)[canonicalize_name(requirement.name)].version)
    assert sorted(each.operator for each in requirement.specifier) == ["<", ">="]


def test_what_builds_the_package_is_locked_too() -> None:
    """`make setup` and the image build with what they installed by hash."""
    (text,) = BUILD
    assert text == f"setuptools=={locked(BASE)['setuptools'].version}"


def test_every_locked_version_has_the_hashes_of_its_files() -> None:
    for name, each in locked(*LOCKS).items():
        assert each.version, name
        assert each.hashes, name
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in each.hashes), name


def test_torch_and_what_only_its_builds_need_are_apart() -> None:
    assert not [name for name in locked(BASE, BENCH) if APART.match(name)]
    assert [name for name in locked(TEST) if APART.match(name)] == ["triton"], "which tests need with any build"


def test_no_lock_names_an_index() -> None:
    for file in LOCKS:
        assert not re.search(r"://|index-url|find-links|trusted-host", (ROOT / file).read_text("utf-8")), file


def test_the_locks_are_installed_with_their_hashes_and_nothing_else_is_but_torch() -> None:
    """Every `pip install` of the Makefile and of the Dockerfile."""
    for file in ("Makefile", "Dockerfile"):
        text = re.sub(r"\\\n", " ", (ROOT / file).read_text("utf-8"))
        installs = re.findall(r"(?:\$\(PIP\)|bin/pip)\s+install\b([^&;\n]*)", text)
        assert installs
        for arguments in installs:
            of_torch = "TORCH" in arguments
            of_ours = "--editable ." in arguments or "/wheel/*.whl" in arguments
            assert of_torch or of_ours or "--require-hashes" in arguments, f"{file}: pip install{arguments}"
            assert of_torch or "--no-deps" in arguments, f"{file}: pip install{arguments}"
