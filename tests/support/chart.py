"""The Helm chart, rendered by Helm itself.

Helm comes as a library that is written in Go. It runs in a process of its own: a Go runtime, once loaded, stays in a
process with its threads and signal handlers. That process is this file, run as a script, with requests on its input.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "ltp"
RELEASE, NAMESPACE = "demo", "field"
NEEDED = {"secrets": {"existingSecret": "ltp-secrets"}}
"""What has no default."""


class ChartRefused(Exception):
    """Helm or the chart itself says that these values cannot be; with the sentence."""


@dataclass(frozen=True)
class Rendered:
    """What an installation would make: its objects, and what it would tell."""

    objects: tuple[dict[str, Any], ...]
    notes: str

    def one(self, kind: str, name: str) -> dict[str, Any]:
        """Return the object of this kind and name, without the release's prefix."""
        (found,) = [
            each
            for each in self.objects
            if each["kind"] == kind and each["metadata"]["name"] == f"{RELEASE}-ltp{'-' + name if name else ''}"
        ]
        return found

    def kinds(self) -> dict[str, int]:
        """Return how many objects of each kind there are."""
        kinds = [each["kind"] for each in self.objects]
        return {kind: kinds.count(kind) for kind in kinds}

    def pods(self) -> dict[str, dict[str, Any]]:
        """Return the pod's specification of everything that runs, by component."""
        return {
            each["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"]: each["spec"]["template"][
                "spec"
            ]
            for each in self.objects
            if each["kind"] in {"Deployment", "Job"}
        }


def merged(*values: dict[str, Any]) -> dict[str, Any]:
    """Lay values over each other, as several files of `helm install` are."""
    result: dict[str, Any] = {}
    for each in values:
        for key, value in each.items():
            both = isinstance(value, dict) and isinstance(result.get(key), dict)
            result[key] = merged(result[key], value) if both else value
    return result


def render(values: dict[str, Any] | None = None) -> Rendered:
    """Render the chart with `NEEDED` and these values. Raises `ChartRefused`."""
    return _rendered(json.dumps(merged(NEEDED, values or {})))


def render_bare() -> Rendered:
    """Render the chart without any value."""
    return _rendered("{}")


def lint(values: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what `helm lint --strict` reports."""
    report: dict[str, Any] = _ask("lint", json.dumps(merged(NEEDED, values or {})))
    return report


def environment(container: dict[str, Any]) -> dict[str, str | None]:
    """Return the variables of a container; None for one that comes out of a Secret."""
    return {each["name"]: each.get("value") for each in container.get("env", ())}


@cache
def _rendered(values: str) -> Rendered:
    files = _ask("render", values)
    notes = "".join(text for name, text in files.items() if name.endswith("NOTES.txt"))
    texts = [text for name, text in files.items() if not name.endswith("NOTES.txt")]
    return Rendered(tuple(each for text in texts for each in yaml.safe_load_all(text) if each), notes)


def _ask(what: str, values: str) -> Any:
    done = subprocess.run([sys.executable, __file__, what], input=values, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ChartRefused(done.stderr.strip())
    return json.loads(done.stdout)


def _answer(what: str, values: dict[str, Any]) -> Any:
    import helm_python as helm

    if what == "lint":
        return helm.lint(CHART, values, strict=True)
    with helm.Chart.load(CHART) as chart:
        return chart.render(values, name=RELEASE, namespace=NAMESPACE)


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(_answer(sys.argv[1], json.loads(sys.stdin.read()))))
    except Exception as error:  # noqa: BLE001
        sys.exit(str(error))
