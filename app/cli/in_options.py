"""What the service says, for people at the keyboard: options and commands in the place of fields and routes."""

from __future__ import annotations

import re

_FIELD = re.compile(
    r"`(columns|labels|lang_column|lang|conflicts|adapter|fallback|verbalizer|estimate|min_confidence|target_accuracy|"
    r"ignore_row_lang|language_delta|as|drift|corpus|layers|tenant)`"
)
_ROUTES = {
    "send a valid key as `Authorization: Bearer <key>`": "give a valid key with --api-key, or in LTP_API_KEY",
    "POST /tickets": "`ltp ticket create`",
    "POST /adapters": "`ltp adapter train`",
    "GET /jobs/{id}": "`ltp job show`",
    "`expires_at`": "--expires",
}
"""What answers name that has another name at the keyboard."""


def in_options(sentence: str) -> str:
    """A sentence with each field, which the API puts in backquotes, as the option: `lang_column` is --lang-column."""
    for route, command in _ROUTES.items():
        sentence = sentence.replace(route, command)
    return _FIELD.sub(lambda found: f"--{found[1].replace('_', '-')}", sentence)
