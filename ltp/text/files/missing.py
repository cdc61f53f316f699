"""What to do about a library that is not installed because not everybody needs it."""

from __future__ import annotations

from ltp.errors import ExamplesError


def not_installed(what: str, extra: str) -> ExamplesError:
    """The error for a file that only an optional library reads."""
    return ExamplesError(
        f"{what} is read by a library that is not installed here; install it with pip install 'ltp-nli[{extra}]',"
        " or export the file as CSV in UTF-8"
    )
