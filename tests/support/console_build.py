"""What a build of the console was made from and what it made, as hashes: `console/build_record.ts` in Python."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CONSOLE, STATIC = ROOT / "console", ROOT / "app" / "console" / "static"
RECORD = STATIC / "build.json"
TYPES = "src/api/schema.d.ts"
"""No part of a build: types leave nothing in it."""
SOURCES = (
    "index.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
    "build_record.ts",
    "public",
    "src",
)


def hashes(root: Path, paths: list[Path]) -> dict[str, str]:
    """The SHA-256 of each file, by its path below `root`, sorted."""
    named = {str(path.relative_to(root).as_posix()): path for path in paths if path.is_file()}
    return {name: hashlib.sha256(named[name].read_bytes()).hexdigest() for name in sorted(named)}


def files_below(path: Path) -> list[Path]:
    """The file itself, or all in the folder."""
    return [path] if path.is_file() else list(path.rglob("*"))


def record(console: Path = CONSOLE, static: Path = STATIC) -> dict[str, Any]:
    """The record that a build of these sources into these files would have written."""
    sources = hashes(console, [path for name in SOURCES for path in files_below(console / name)])
    sources.pop(TYPES, None)
    combined = json.dumps(sources, separators=(",", ":"), ensure_ascii=False).encode()
    made = hashes(static, files_below(static))
    made.pop(RECORD.name, None)
    return {"sources": hashlib.sha256(combined).hexdigest(), "files": made}
