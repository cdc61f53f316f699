"""The client by itself: what it imports, and its distribution in an environment that has httpx and pydantic alone."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from distribution.conftest import ALONE, PIP
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support import imports
from support.peer import answer, peers

ROOT = Path(__file__).parents[3]
PROJECT = ROOT / "clients" / "python"
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
FOR_TYPES = "typing_extensions"
WRITTEN = {"models", "requests"}
LONGEST_FILE = 300


def modules() -> dict[str, Path]:
    return imports.modules(PROJECT, "ltp_client")


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_what_is_declared_and_is_one_noun(module: str) -> None:
    text = modules()[module].read_text("utf-8")
    names = {name.partition(".")[0] for name, _ in imports.imported(ast.parse(text))}
    foreign = names - set(sys.stdlib_module_names) - {"ltp_client"}
    assert foreign <= {Requirement(each).name for each in DECLARED["dependencies"]} | {FOR_TYPES}
    if FOR_TYPES in foreign:
        assert f"if TYPE_CHECKING:\n    from {FOR_TYPES} import Unpack" in text
    if module.rpartition(".")[2] not in WRITTEN:
        assert text.count("\n") <= LONGEST_FILE


def test_no_files_import_each_other_in_a_circle() -> None:
    assert imports.circles(imports.edges(modules())) == []


def test_the_service_carries_the_same_package() -> None:
    """By a link, so that neither has to be installed for the other."""
    assert (ROOT / "ltp_client").resolve() == PROJECT / "ltp_client"


def test_it_needs_what_the_service_needs_of_the_same_releases() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(DECLARED["dependencies"]) <= set(project["dependencies"])


def needed(*names: str) -> dict[str, Distribution]:
    """Distributions, and what they need themselves."""
    found: dict[str, Distribution] = {}
    left = list(names)
    while left:
        name = canonicalize_name(left.pop())
        if name not in found:
            found[name] = distribution(name)
            wanted = map(Requirement, found[name].requires or ())
            left += [each.name for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    return found


CODE = """
import sys, warnings
warnings.simplefilter("error")
import ltp_client
with ltp_client.Client(sys.argv[1]) as client:
    print(client.version().version, ltp_client.__file__)
"""


@pytest.mark.slow
@pytest.mark.process
def test_it_is_built_and_works_where_there_is_nothing_else(tmp_path: Path) -> None:
    source, environment = tmp_path / "source", tmp_path / "environment"
    shutil.copytree(PROJECT, source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    build = [*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, source]
    subprocess.run(build, check=True, env=ALONE, capture_output=True)
    (wheel,) = tmp_path.glob("ltp_nli_client-*.whl")
    venv.create(environment, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    for each in needed("httpx", "pydantic").values():
        for file in each.files or ():
            if ".." not in file.parts:
                (packages / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(file.locate()), packages / file)
    install = [*PIP, "--python", environment / "bin" / "python", "install", "--no-deps", wheel]
    subprocess.run(install, check=True, env=ALONE, cwd=tmp_path, capture_output=True)
    body = {"version": "9", "api": "v1", "python": "3", "code": "9+0", "packages": {}}
    with peers() as start:
        url = start(lambda handler, _: answer(handler, 200, body))
        ask = [environment / "bin" / "python", "-c", CODE, url]
        done = subprocess.run(ask, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["9", str(packages / "ltp_client" / "__init__.py")]
    assert (packages / "ltp_client" / "py.typed").is_file()
