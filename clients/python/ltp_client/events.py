"""Server-sent events: bytes in, a job's events out. Knows no transport."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

PROGRESS, LOG, DONE = "progress", "log", "done"
STREAM = "text/event-stream"


@dataclass(frozen=True)
class Event:
    """One event of a job: `progress`, `log` or `done`."""

    kind: str
    data: dict[str, Any]
    id: str | None = None


class Decoder:
    """Reads a stream of events piece by piece; one that is cut off is left out.

    Lines end as the standard says, with LF, CR or both: other characters that Python takes for ends of lines are data.
    """

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._rest = ""
        self._kind, self._data, self._id = "", list[str](), ""

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Yield the events that are complete with this piece."""
        text = self._rest + self._decode(chunk)
        held = "\r" if text.endswith("\r") else ""  # an LF may follow
        lines = text[: len(text) - len(held)].replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._rest = lines.pop() + held
        for line in lines:
            if line:
                self._take(line)
            elif event := self._complete():
                yield event

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._kind = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value

    def _complete(self) -> Event | None:
        kind, data = self._kind or "message", "\n".join(self._data)
        self._kind, self._data = "", []
        return Event(kind, _object(data), self._id or None) if data else None


def _object(data: str) -> dict[str, Any]:
    """What an event says; one of a later release may say it otherwise, and has then no fields that are known here."""
    try:
        told = json.loads(data)
    except ValueError:
        told = None
    return told if isinstance(told, dict) else {"data": data}
