"""A Compose file as this project uses it: services with `${...}` filled in from an environment, as Compose does it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?:(?P<how>:?[-?])(?P<rest>[^}]*))?\}|(?P<bare>\w+))")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


class ComposeError(RuntimeError):
    """The file or its environment cannot be used; says what is wrong."""


@dataclass(frozen=True)
class HealthCheck:
    """How the health of a service is found out; times in seconds."""

    command: tuple[str, ...]
    interval: float
    timeout: float
    retries: int
    start_period: float


@dataclass(frozen=True)
class Service:
    """One service with every variable filled in. `ports` maps a range of host ports to each container port."""

    name: str
    image: str
    command: tuple[str, ...]
    environment: dict[str, str]
    depends_on: dict[str, str]
    health: HealthCheck | None
    ports: dict[int, range]
    replicas: int
    mounts: dict[str, str]
    """Container path -> volume name; an empty name is a volume of the container's own."""
    profiles: tuple[str, ...]
    stop_grace: float


def read(path: Path, environment: Mapping[str, str]) -> dict[str, Service]:
    """Return the services of the file by name. Raises `ComposeError` for a required variable that is not set."""
    document = interpolated(yaml.safe_load(path.read_text(encoding="utf-8")), environment)
    return {name: _service(name, body) for name, body in document["services"].items()}


def interpolated(value: Any, environment: Mapping[str, str]) -> Any:
    """Fill in `${NAME}`, `${NAME:-default}` and `${NAME:?message}` in every string of a document; `$$` is a dollar."""
    if isinstance(value, dict):
        return {key: interpolated(each, environment) for key, each in value.items()}
    if isinstance(value, list):
        return [interpolated(each, environment) for each in value]
    return _REFERENCE.sub(lambda match: _filled_in(match, environment), value) if isinstance(value, str) else value


def seconds(text: str) -> float:
    """Read a duration such as `1m30s`."""
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        raise ComposeError(f"{text!r} is no duration such as 90s or 1m30s")
    hours, minutes, rest = (int(group or 0) for group in match.groups())
    return 3600.0 * hours + 60 * minutes + rest


def _filled_in(match: re.Match[str], environment: Mapping[str, str]) -> str:
    if match["dollar"]:
        return "$"
    name, how = match["name"] or match["bare"], match["how"] or ""
    value = environment.get(name)
    present = bool(value) if how.startswith(":") else value is not None
    if not present and how.endswith("?"):
        raise ComposeError(f"{name} is not set: {match['rest']}")
    return value or "" if present else (match["rest"] or "")


def _service(name: str, body: dict[str, Any]) -> Service:
    command = body.get("command") or ()
    if isinstance(command, str):
        raise ComposeError(f"the command of {name} is one string; give a list of words")
    return Service(
        name=name,
        image=body["image"],
        command=tuple(command),
        environment={key: str(value) for key, value in body.get("environment", {}).items()},
        depends_on={other: how["condition"] for other, how in body.get("depends_on", {}).items()},
        health=_health(body.get("healthcheck")),
        ports=dict(_port(text) for text in body.get("ports", ())),
        replicas=int(body.get("deploy", {}).get("replicas", 1)),
        mounts=dict(_mount(text) for text in body.get("volumes", ())),
        profiles=tuple(body.get("profiles", ())),
        stop_grace=seconds(body.get("stop_grace_period", "10s")),
    )


def _health(body: dict[str, Any] | None) -> HealthCheck | None:
    if not body or body.get("disable"):
        return None
    kind, *words = body["test"]
    return HealthCheck(
        command=tuple(words) if kind == "CMD" else ("sh", "-c", *words),
        interval=seconds(body.get("interval", "30s")),
        timeout=seconds(body.get("timeout", "30s")),
        retries=int(body.get("retries", 3)),
        start_period=seconds(body.get("start_period", "0s")),
    )


def _port(text: str) -> tuple[int, range]:
    """Read `[address:]first[-last]:container`."""
    *_, host, container = text.split(":")
    first, _, last = host.partition("-")
    return int(container), range(int(first), int(last or first) + 1)


def _mount(text: str) -> tuple[str, str]:
    """Read `volume:path` or `path`."""
    volume, colon, path = text.partition(":")
    return (path, volume) if colon else (volume, "")
