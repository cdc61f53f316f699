"""The table of docs/kubernetes.md, made from the chart's schema and its values.

`.venv/bin/python tests/support/chart_page.py` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "kubernetes.md"
CHART = ROOT / "deploy" / "helm" / "ltp"
BEGIN, END = "<!-- values: made by tests/support/chart_page.py -->\n", "<!-- end of values -->\n"
HEAD = "| value | default | meaning |\n|---|---|---|\n"
LONG = 60
"""A default with more characters is to be looked up in values.yaml."""
MISSING: Any = object()


def table() -> str:
    """Return the table as it should be."""
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    return HEAD + "".join(_row(*each) for each in leaves(schema, values, schema))


def leaves(node: dict[str, Any], value: Any, schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any, str]]:
    """Give each value's path, default and meaning; those of a map of groups below `<name>`."""
    for key, each in node["properties"].items():
        here, default = f"{path}{key}", value.get(key, MISSING) if isinstance(value, dict) else MISSING
        if "properties" in each:
            yield from leaves(each, default, schema, here + ".")
            continue
        yield here, default, each["description"]
        for form in each.get("additionalProperties", {}).get("anyOf", ()):
            if "$ref" in form:
                group = schema["definitions"][form["$ref"].rpartition("/")[2]]
                yield from leaves(group, MISSING, schema, f"{here}.<name>.")


def page() -> str:
    """Return the whole page with the table in its place."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


def _row(path: str, default: Any, meaning: str) -> str:
    return f"| `{path}` | {_shown(default)} | {meaning} |\n".replace("`|`", "`\\|`")


def _shown(default: Any) -> str:
    if default is MISSING or default in ("", None) or default == {} or default == []:
        return ""
    text = default if isinstance(default, str) else json.dumps(default)
    return f"`{text}`" if len(text) <= LONG else "see values.yaml"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
