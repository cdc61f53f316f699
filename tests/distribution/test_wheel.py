"""The package as others meet it: one wheel, installed where no source tree is, that does what the README says."""

from __future__ import annotations

import subprocess
import tarfile
import time
import zipfile
from contextlib import suppress
from email.parser import Parser
from pathlib import Path

import httpx
import pytest
from distribution.conftest import PACKAGES, PYPROJECT, ROOT, Installed
from packaging.requirements import Requirement
from support.servers import free_port
from support.tiny_backbone import write_tiny

NAME, VERSION = PYPROJECT["project"]["name"], PYPROJECT["project"]["version"]
pytestmark = [pytest.mark.slow, pytest.mark.process]


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    there = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == there
    kinds = {Path(name).suffix or Path(name).name for name in held}
    assert kinds >= {".py", ".toml", ".safetensors", ".mako", ".typed"}
    assert [name for name in held if name.startswith("migrations/versions/2")]


def test_the_source_distribution_holds_what_the_wheel_does(wheel: Path, sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed - held == set()
    assert "ltp/starter/recipes/mini.toml" in packed


def test_its_metadata_says_what_it_is_and_under_which_terms(wheel: Path) -> None:
    assert wheel.name == f"{NAME.replace('-', '_')}-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        (directory,) = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        metadata = Parser().parsestr(archive.read(f"{directory}/METADATA").decode())
        for name in metadata.get_all("License-File", []):
            assert archive.read(f"{directory}/licenses/{name}") == (ROOT / name).read_bytes()
        entry_points = archive.read(f"{directory}/entry_points.txt").decode()
    assert sorted(metadata.get_all("License-File", [])) == ["LICENSE", "NOTICE"]
    assert metadata["License-Expression"] == PYPROJECT["project"]["license"]
    required = {str(Requirement(text)) for text in metadata.get_all("Requires-Dist", []) if "extra ==" not in text}
    assert required == {str(Requirement(text)) for text in PYPROJECT["project"]["dependencies"]}
    assert f"ltp = {PYPROJECT['project']['scripts']['ltp']}" in entry_points


def test_what_runs_is_what_was_installed(installed: Installed, tmp_path: Path) -> None:
    code = (
        "import ltp, app, worker, migrations; print(*(m.__file__ for m in (ltp, app, worker, migrations)), sep='\\n')"
    )
    done = installed.run("python", "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [Path(line).parent for line in done.stdout.split()] == [
        installed.packages / name for name in ("ltp", "app", "worker", "migrations")
    ]
    assert installed.run("ltp", "--version", cwd=tmp_path).stdout == f"ltp {VERSION}\n"


def test_it_migrates_a_database(installed: Installed, tmp_path: Path) -> None:
    settings = {"LTP_DATABASE_URL": f"sqlite:///{tmp_path / 'ltp.sqlite3'}"}
    for _ in range(2):
        done = installed.run("ltp", "migrate", cwd=tmp_path, environment=settings)
        assert done.returncode == 0, done.stderr
        assert "is up to date" in done.stdout.replace("\n", " ")


def test_it_prepares_mini(installed: Installed, tmp_path: Path) -> None:
    settings = {"LTP_BACKBONE_DIR": str(tmp_path / "backbones")}
    done = installed.run("ltp", "backbone", "prepare", "mini", cwd=tmp_path, environment=settings)
    assert done.returncode == 0, done.stderr
    assert "12 layers" in done.stdout
    assert (tmp_path / "backbones" / "mini" / "model.safetensors").is_file()


def test_it_serves(installed: Installed, tmp_path: Path) -> None:
    """`ltp serve`: the API becomes ready, a worker joins it, the documentation is there, and it leaves in peace."""
    backbone, port = write_tiny(tmp_path / "backbone"), free_port()
    process = subprocess.Popen(
        [installed.directory / "bin" / "ltp", "serve", "--data-dir", "data", "--port", str(port)],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LTP_BACKBONE": str(backbone)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            assert answers(client, "/readyz", process), process.communicate()[0]
            assert client.get("/version").json()["version"] == VERSION
            assert client.get("/docs").status_code == 200
            assert client.get("/languages").status_code == 200
            assert wait_for_worker(client)
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "Traceback" not in said


def answers(client: httpx.Client, path: str, process: subprocess.Popen[str], *, seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(httpx.TransportError):
            if client.get(path).status_code == 200:
                return True
        time.sleep(0.2)
    return False


def wait_for_worker(client: httpx.Client, *, seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if client.get("/workers").json()["items"]:
            return True
        time.sleep(0.2)
    return False
