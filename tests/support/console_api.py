"""The API as the console's types are made from it: the OpenAPI document without words, so that only its shape counts.

Run as a script it writes the document to the file named, for `make console`.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from app.main import create_app
from app.settings import Settings

WORDS = {"description", "summary", "example", "examples", "title", "tags", "headers"}
"""What may be written differently without any type becoming another one."""
MARK = "// API "


def shape(node: Any, *, named: bool = False) -> Any:
    """Return a part of the document without words. `named` is a part whose keys are names that people chose."""
    if isinstance(node, list):
        return [shape(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = node if named else {key: value for key, value in node.items() if key not in WORDS}
    return {key: shape(value, named=key in ("properties", "schemas", "paths")) for key, value in sorted(kept.items())}


def document() -> dict[str, Any]:
    """The shape of the API of this tree."""
    with tempfile.TemporaryDirectory() as directory:
        app = create_app(Settings(_env_file=None, data_dir=Path(directory)))  # type: ignore[call-arg]
        schema: dict[str, Any] = shape(app.openapi())
        app.state.db.close()
    schema["info"] = {"title": "LTP", "version": ""}
    return schema


def mark(schema: dict[str, Any]) -> str:
    """The line that says which shape the types are of."""
    return MARK + hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    schema = document()
    target.write_text(json.dumps(schema), encoding="utf-8")
    target.with_suffix(".mark").write_text(mark(schema) + "\n", encoding="utf-8")
