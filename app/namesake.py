"""Another project on the package index is named `ltp`, as our package is: an environment cannot hold both.

The one that was installed last has its files in `ltp/`. So every way of starting looks here first, before anything of
`ltp` is imported; this module imports the standard library alone.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.metadata import distributions
from pathlib import Path

NAMESAKE = "ltp"
"""The other project's name on the index, and the name of the package of both."""
OURS = "Lottery Ticket Prompt-learning"
"""Stands in the first line of our `ltp/__init__.py`."""


def refuse_namesake() -> None:
    """Go on if `ltp` is this project's package and no other project's is installed.

    Raises:
        SystemExit: with a sentence for standard error, and exit code 1.
    """
    if found := _other_project() or _other_files():
        sys.exit(
            f"LTP cannot start: {found}; give LTP a virtual environment of its own (in a checkout, `make setup`), "
            "or repair this one with `pip uninstall ltp` and then `pip install --force-reinstall --no-deps ltp-nli` "
            "(or the wheel or folder that LTP came from)."
        )


def _other_project() -> str | None:
    """Describe an installed distribution named `ltp` that holds files of a package `ltp`.

    A development installation of this project under its first name, `ltp`, holds none: it points to the source tree.
    """
    for found in distributions(name=NAMESAKE):
        if any(line.startswith(f"{NAMESAKE}/") for line in (found.read_text("RECORD") or "").splitlines()):
            place = Path(str(found.locate_file(""))).resolve()
            return f"another project's package {NAMESAKE} (version {found.version}) is installed in {place}"
    return None


def _other_files() -> str | None:
    """Describe what would be imported as `ltp` if it is not ours, or not whole."""
    spec = importlib.util.find_spec(NAMESAKE)
    if spec is None:
        return f"its package {NAMESAKE} is missing"
    if spec.origin is None:
        return f"its package {NAMESAKE} in {next(iter(spec.submodule_search_locations or ['?']))} is not whole"
    first = Path(spec.origin).read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    return None if OURS in first else f"{spec.origin} is of another project's package {NAMESAKE}"
