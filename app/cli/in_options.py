"""What the service says, for people at the keyboard: the options of commands in the place of a request's fields."""

from __future__ import annotations

import re

_FIELD = re.compile(r"`(columns|labels|lang_column|lang|conflicts)`")


def in_options(sentence: str) -> str:
    """A sentence with each field, which the API puts in backquotes, as the option: `lang_column` is --lang-column."""
    return _FIELD.sub(lambda found: f"--{found[1].replace('_', '-')}", sentence)
