"""What a key is: `ltp_` and 256 random bits in 43 URL-safe characters. Only its SHA-256 is ever stored."""

from __future__ import annotations

import hashlib
import re
import secrets

PREFIX = "ltp_"
RANDOM_BYTES = 32
_FORM = re.compile(r"ltp_[A-Za-z0-9_-]{43}", re.ASCII)


def new_secret() -> str:
    """Return a new key, which cannot be guessed."""
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def well_formed(secret: str) -> bool:
    """Tell whether this can be a key at all; what cannot is not looked for."""
    return _FORM.fullmatch(secret) is not None


def digest(secret: str) -> str:
    """Return what a key is stored and found by. With so many random bits a plain hash cannot be searched backwards."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
