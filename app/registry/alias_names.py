"""What an alias may be called, and the one that a bare language means. Light: the commands import it, too."""

from __future__ import annotations

import re

from app.errors import InvalidAlias

PRODUCTION = "production"
"""The alias a bare language means."""
ALIAS_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}", re.ASCII)


def check_name(alias: str) -> str:
    """Return `alias` if it is a valid name. Raises `InvalidAlias`."""
    if not ALIAS_NAME.fullmatch(alias):
        raise InvalidAlias(f"{alias!r} is not an alias; names match [a-z][a-z0-9_-]*, at most 64 characters")
    return alias
