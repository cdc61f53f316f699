"""What `make coverage` prints: the share of lines and of branches executed, a package, and the files below 90 %."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coverage import Coverage

JSON = Path("build/coverage/report.json")
LEAST = 90.0
COUNTED = ("covered_lines", "num_statements", "covered_branches", "num_branches")
Summary = Mapping[str, Any]


def share(summary: Summary, covered: str, there: str) -> str:
    """Return a share in per cent, of what there is."""
    return f"{100 * summary[covered] / summary[there]:5.1f} %" if summary[there] else "    -  "


def line(name: str, summary: Summary) -> str:
    """Return a line of the report: lines, branches, name."""
    return (
        f"{share(summary, 'covered_lines', 'num_statements')}  "
        f"{share(summary, 'covered_branches', 'num_branches')}  {name}"
    )


def report(files: Mapping[str, Summary]) -> str:
    """Return the whole report on files by their paths."""
    packages: dict[str, Counter[str]] = {}
    for path, summary in files.items():
        counted = Counter({name: int(summary[name]) for name in COUNTED})
        for name in (path.split("/")[0], "all"):
            packages.setdefault(name, Counter()).update(counted)
    low = {path: summary for path, summary in files.items() if summary["percent_covered"] < LEAST}
    rows = [line(name, packages[name]) for name in sorted(packages, key=lambda name: (name == "all", name))]
    rows += ["", f"{len(low)} of {len(files)} files below {LEAST:.0f} % of lines and branches together"]
    rows += [line(path, low[path]) for path in sorted(low, key=lambda path: low[path]["percent_covered"])]
    return "\n".join(["  lines  branches", *rows])


def main() -> None:
    """Print the report on what `coverage combine` left."""
    coverage = Coverage()
    coverage.load()
    coverage.json_report(outfile=str(JSON))
    measured = json.loads(JSON.read_text("utf-8"))["files"]
    print(report({path: file["summary"] for path, file in measured.items()}))  # noqa: T201


if __name__ == "__main__":
    main()
