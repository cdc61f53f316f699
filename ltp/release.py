"""Which release of the project this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "ltp-nli"
"""What is installed to have this package; `ltp` on the package index is another project."""


def release() -> str:
    """The version that is installed, or `unreleased` for a source tree that is not."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unreleased"
