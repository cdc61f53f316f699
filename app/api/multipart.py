"""Uploaded files: a multipart body is parsed as it arrives and each part goes to a file of its own, never to memory.

The parts' SHA-256 are computed on the way; they identify a body whose boundary differs at every attempt.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from app.errors import BodyTooLarge, FieldError, InvalidRequest

BLOCK = 1024 * 1024
"""Bytes handed to the parser at a time: few calls into a thread, little memory."""


@dataclass
class Part:
    """One part of a multipart body, stored at `path`."""

    name: str
    filename: str | None
    path: Path
    size: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        """Hex digest of what has been received."""
        return self.digest.hexdigest()


@dataclass(frozen=True)
class Others:
    """Parts whose names the request says: so many at most, each of so many bytes at most."""

    most: int = 0
    limit: int = 0


NONE = Others()
OTHER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)


async def receive(
    stream: AsyncIterator[bytes],
    *,
    content_type: str,
    limits: Mapping[str, int],
    directory: Path,
    take: Callable[[int], None],
    others: Others = NONE,
) -> dict[str, Part]:
    """Store the parts named in `limits` (name -> most bytes), and `others`, in `directory`; return them by name.

    `take` is called before bytes are written, with their number; it may raise.

    Raises:
        InvalidRequest: not a complete multipart body, or a part is unknown or given twice.
        BodyTooLarge: a part is over its limit.
    """
    receiver = _Receiver(content_type, limits, others, directory, take)
    block = bytearray()
    try:
        async for chunk in stream:
            block += chunk
            if len(block) >= BLOCK:
                await run_in_threadpool(receiver.write, bytes(block))
                block.clear()
        await run_in_threadpool(receiver.write, bytes(block))
        return receiver.finish()
    except FormParserError as error:
        raise InvalidRequest(f"the multipart body is malformed: {error}") from None
    finally:
        receiver.close()


class _Receiver:
    """The parser's callbacks, writing to one file at a time."""

    def __init__(
        self,
        content_type: str,
        limits: Mapping[str, int],
        others: Others,
        directory: Path,
        take: Callable[[int], None],
    ) -> None:
        _, options = parse_options_header(content_type)
        if not options.get(b"boundary"):
            raise InvalidRequest("the multipart body is malformed: its Content-Type names no boundary")
        self.limits, self.others, self.directory, self.take = dict(limits), others, directory, take
        self.parts: dict[str, Part] = {}
        self.complete = False
        self._part: Part | None = None
        self._file: BinaryIO | None = None
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._disposition = b""
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._open,
                "on_part_data": self._store,
                "on_part_end": self.close,
                "on_end": self._end,
            },
        )

    def write(self, block: bytes) -> None:
        self._parser.write(block)

    def finish(self) -> dict[str, Part]:
        if not self.complete:
            raise InvalidRequest("the multipart body is malformed: it ends before its last boundary")
        return self.parts

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None

    def _begin(self) -> None:
        self._disposition = b""

    def _end_header(self) -> None:
        name, value = (bytes(half) for half in self._header)
        if name.lower() == b"content-disposition":
            self._disposition = value
        elif name.lower() == b"content-transfer-encoding" and value.lower() not in (b"binary", b"8bit", b"7bit"):
            raise InvalidRequest("a part carries a Content-Transfer-Encoding; send its bytes as they are")
        self._header = (bytearray(), bytearray())

    def _open(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if name not in self.limits and self.others.most and OTHER_NAME.fullmatch(name):
            self.others = replace(self.others, most=self.others.most - 1)
            self.limits[name] = self.others.limit
        if name not in self.limits:
            expected = ", ".join(map(repr, self.limits))
            raise invalid_part(name, f"there is no part of this name here; expected {expected}")
        if name in self.parts:
            raise invalid_part(name, "this part is given twice")
        filename = options[b"filename"].decode("utf-8", "replace") if b"filename" in options else None
        self._part = self.parts[name] = Part(name, filename, self.directory / name)
        self._file = self._part.path.open("wb")

    def _store(self, data: bytes, start: int, end: int) -> None:
        part, file = self._part, self._file
        if part is None or file is None:
            return
        part.size += end - start
        if part.size > self.limits[part.name]:
            raise BodyTooLarge(f"the part {part.name!r} is over its limit of {self.limits[part.name]:,} bytes")
        self.take(end - start)
        chunk = data[start:end]
        part.digest.update(chunk)
        file.write(chunk)

    def _end(self) -> None:
        self.complete = True


def invalid_part(name: str, message: str) -> InvalidRequest:
    """Return the refusal of a part of a multipart body."""
    shown = name[:100]
    return InvalidRequest(
        f"the multipart body does not validate: {shown}: {message}", fields=[FieldError(shown, message)]
    )
