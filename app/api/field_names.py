"""Ways out, said for a program: the reader names the options of the command line, the API the fields of requests.

A field stands in backquotes, so that the command line finds it in what the service says (`app/cli/in_options.py`).
"""

from __future__ import annotations

import re

_OPTION = re.compile(r"--(columns|labels|lang-column|lang|conflicts)\b")


def in_fields(text: str) -> str:
    """Return a sentence about options with the fields of a request in their place: `--lang-column` is `lang_column`."""
    fields = _OPTION.sub(lambda found: f"`{found[1].replace('-', '_')}`", text)
    return fields.replace("--each", "one request a language")
