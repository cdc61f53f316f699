"""The Dockerfile, by reading: pinned, without root, without test dependencies, and of nothing but what it may copy."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from app.settings import PREFIX, Settings
from deploy.rehearse.compose import read
from deploy.rehearse.image import last_stage_variables

ROOT = Path(__file__).parents[2]
FILE = ROOT / "Dockerfile"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SECRETS = {"POSTGRES_PASSWORD": "a", "REDIS_PASSWORD": "b", "LTP_ADMIN_KEY": "c"}


def instructions() -> list[tuple[str, str]]:
    """Each instruction with its words on one line."""
    text = re.sub(r"^#.*\n", "", FILE.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    return [
        (word, " ".join(rest.split())) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)
    ]


def of(word: str) -> list[str]:
    return [rest for each, rest in instructions() if each == word]


def copied() -> set[str]:
    """What is copied out of the build context."""
    sources = (rest.split()[:-1] for rest in of("COPY") if not rest.startswith("--from"))
    return {source for words in sources for source in words}


def test_torch_is_the_same_version_everywhere() -> None:
    (pinned,) = [each.removeprefix("TORCH=") for each in of("ARG") if each.startswith("TORCH=")]
    assert re.fullmatch(r"torch==\d+\.\d+\.\d+", pinned)
    assert f"TORCH := {pinned}" in (ROOT / "Makefile").read_text("utf-8").splitlines()


def test_torch_comes_first_and_alone() -> None:
    installs = [rest for rest in of("RUN") if "pip install" in rest]
    assert "$TORCH" in installs[0]
    assert "--no-deps" in installs[0]
    assert not [rest for rest in installs[1:] if "INDEX_URL" in rest]


def test_what_its_build_needs_comes_after_the_lock_from_the_default_index() -> None:
    installs = [rest for rest in of("RUN") if "pip install" in rest]
    again = [index for index, rest in enumerate(installs) if index and "$TORCH" in rest]
    (lock,) = [index for index, rest in enumerate(installs) if "requirements.lock" in rest]
    assert again == [lock + 1]
    assert "--no-deps" not in installs[again[0]]
    assert "pip check" in installs[again[0]]


def test_base_images_are_one_and_pinned_to_a_patch_release_and_its_digest() -> None:
    images = {rest.split()[0] for rest in of("FROM")} - {"dependencies"}
    assert len(images) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm@sha256:[0-9a-f]{64}", images.pop())
    assert PYPROJECT["project"]["requires-python"] == ">=3.11"


def test_what_the_lock_holds_is_installed_by_hash_and_no_test_dependency_is() -> None:
    (install,) = [rest for rest in of("RUN") if "--requirement" in rest]
    assert "--no-deps --require-hashes --requirement requirements.lock" in install
    assert "requirements-" not in FILE.read_text("utf-8")
    assert not [rest for rest in of("RUN") if "apt-get" in rest]


def test_the_wheel_is_built_with_what_the_lock_holds() -> None:
    (build,) = [rest for rest in of("RUN") if "pip wheel" in rest]
    assert build.startswith("/opt/ltp/bin/pip ")
    assert "--no-build-isolation" in build
    assert "dependencies AS package" in of("FROM")


def test_nothing_but_the_product_is_copied_and_the_ignore_file_lets_all_of_it_through() -> None:
    packages = {each.rstrip("*") for each in PYPROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
    others = {"pyproject.toml", "requirements.lock", "README.md", "LICENSE", "NOTICE"}
    assert {Path(each).name for each in copied()} == packages | others
    lines = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == copied()
    assert all((ROOT / name).exists() for name in copied())
    assert PYPROJECT["project"]["readme"] in copied()


def test_it_does_not_run_as_root() -> None:
    (user,) = of("USER")
    uid = re.fullmatch(r"(\d+):\1", user)
    assert uid
    assert int(uid[1]) >= 10000
    last = [word for word, _ in instructions()]
    assert last.index("USER") > max(index for index, word in enumerate(last) if word in {"RUN", "COPY"})


def test_what_is_mounted_belongs_to_its_user() -> None:
    (made,) = [rest for rest in of("RUN") if "install --directory" in rest]
    assert "--owner ltp --group ltp" in made
    own = [
        service for service in read(ROOT / "docker-compose.yml", SECRETS).values() if service.image.startswith("ltp")
    ]
    mounted = {path for service in own for path in service.mounts}
    variables = last_stage_variables(FILE)
    folders = {variables[name] for name in ("LTP_DATA_DIR", "LTP_WORK_DIR", "LTP_BACKBONE_DIR")}
    assert mounted == folders
    assert folders <= set(made.split())


def test_its_variables_are_settings() -> None:
    given = {name for name in last_stage_variables(FILE) if name.startswith(PREFIX)}
    assert given <= {PREFIX + field.upper() for field in Settings.model_fields}
    assert given >= {"LTP_HOST", "LTP_PORT"}


def test_it_starts_the_api_and_looks_after_it() -> None:
    assert [json.loads(rest) for rest in of("CMD")] == [["ltp", "api"]]
    (check,) = of("HEALTHCHECK")
    assert "--start-period" in check
    words = json.loads(check[check.index("[") :])
    compile(words[2], "HEALTHCHECK", "exec")
    assert "/healthz" in words[2]
