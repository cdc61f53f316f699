"""Request bodies: which media types a route reads, how large they may be, and what becomes of them.

`RequestBody` is a dependency. It reads the body as it streams in, refuses what it may not be (413, 415, 422 with the
path of the field), and gives the route a `ParsedBody`. The OpenAPI document is written from the same object.
"""

# No `from __future__ import annotations`: FastAPI resolves the annotations of a callable object as they are.
import hashlib
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Generic, TypeVar, cast

from fastapi import Request
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from app.api.multipart import Part, receive
from app.api.schemas.scalars import MOST_CHARACTERS
from app.errors import BodyTooLarge, FieldError, InvalidRequest, UnsupportedMediaType
from app.http.body_memory import BodyMemory
from app.http.strict_json import JSONRefused, parse
from app.http.validation_errors import field_errors, sentence
from app.settings import MIB, Settings

T = TypeVar("T")

JSON = "application/json"
MULTIPART = "multipart/form-data"
REQUEST = "request"
"""The part of a multipart body that carries the JSON."""
INLINE_BYTES = 64 * 1024
"""A larger JSON body is parsed in a thread, so that the event loop stays free."""


@dataclass(frozen=True)
class File:
    """A file a route takes. `limit` names the setting with its most megabytes."""

    limit: str
    description: str
    required: bool = False


@dataclass(frozen=True)
class ParsedBody(Generic[T]):
    """A body that was accepted. `digest` is the same for the same content, whatever its spelling or boundary.

    It is empty for routes that do not use it.
    """

    request: T
    digest: str
    files: Mapping[str, Part] = field(default_factory=dict)


class RequestBody(Generic[T]):
    """Dependency that reads the body of one route as `model`: JSON, multipart with `files`, or either."""

    def __init__(
        self,
        model: type[T],
        *,
        files: Mapping[str, File] | None = None,
        json_body: bool = True,
        optional: bool = False,
        digested: bool = True,
    ) -> None:
        self.model, self.files, self.json_body, self.optional = model, dict(files or {}), json_body, optional
        self.digested = digested
        self._adapter: TypeAdapter[T] = TypeAdapter(model)

    async def __call__(self, request: Request) -> AsyncIterator[ParsedBody[T]]:
        """Read the body; files live until the response has been sent."""
        settings = cast(Settings, request.app.state.settings)
        memory = cast(BodyMemory, request.app.state.body_memory)
        media_type = _media_type(request)
        if media_type == MULTIPART and self.files:
            with (
                tempfile.TemporaryDirectory(prefix="ltp-upload-", dir=settings.spool) as directory,
                memory.reserve() as take,
            ):
                yield await self._multipart(request, settings, Path(directory), take)
        elif media_type == JSON and self.json_body:
            with memory.reserve() as take:
                yield await self._json(request, settings, take)
        else:
            accepted = [JSON] * self.json_body + [MULTIPART] * bool(self.files)
            raise UnsupportedMediaType(
                f"the body is {media_type or 'of no declared type'}; send it as {' or '.join(accepted)}"
            )

    async def _json(self, request: Request, settings: Settings, take: Callable[[int], None]) -> ParsedBody[T]:
        raw = bytearray()
        async for chunk in limited(request, settings.max_body_mb * MIB):
            take(len(chunk))
            raw += chunk
        if len(raw) > INLINE_BYTES:
            return await run_in_threadpool(self._read, bytes(raw), settings)
        return self._read(bytes(raw), settings)

    async def _multipart(
        self, request: Request, settings: Settings, directory: Path, take: Callable[[int], None]
    ) -> ParsedBody[T]:
        limits = {name: getattr(settings, file.limit) * MIB for name, file in self.files.items()}
        limits[REQUEST] = settings.max_body_mb * MIB
        stream = limited(request, sum(limits.values()))
        declared = request.headers["content-type"]
        parts = await receive(stream, content_type=declared, limits=limits, directory=directory)
        missing = [name for name, file in self.files.items() if file.required and name not in parts]
        if missing:
            raise _missing_part(missing[0])
        body = parts.pop(REQUEST, None)
        if body is None and not self.optional:
            raise _missing_part(REQUEST)
        take(0 if body is None else body.size)
        raw = b"{}" if body is None else await run_in_threadpool(body.path.read_bytes)
        submission = await run_in_threadpool(self._read, raw, settings)
        digest = hashlib.sha256(submission.digest.encode())
        for name in sorted(parts):
            digest.update(f"|{name}:{parts[name].sha256}".encode())
        return ParsedBody(submission.request, digest.hexdigest(), parts)

    def _read(self, raw: bytes, settings: Settings) -> ParsedBody[T]:
        """Parse strictly, then validate without coercion: "3" is no number."""
        try:
            tree = parse(raw)
        except JSONRefused as error:
            place = FieldError(error.path, error.message)
            raise InvalidRequest(f"the body is not acceptable JSON: {error}", fields=[place]) from None
        try:
            context = {MOST_CHARACTERS: settings.max_characters}
            value = self._adapter.validate_json(raw, strict=True, context=context)
        except ValidationError as error:
            fields = field_errors(error.errors(include_url=False, include_input=False), tree)
            raise InvalidRequest(sentence(fields), fields=fields) from None
        if not self.digested:
            return ParsedBody(value, "")
        canonical = json.dumps(tree, sort_keys=True, separators=(",", ":"))
        return ParsedBody(value, hashlib.sha256(canonical.encode()).hexdigest())


async def limited(request: Request, limit: int) -> AsyncIterator[bytes]:
    """Yield the body's chunks; BodyTooLarge once it is, or declares to be, over `limit` bytes."""
    declared = request.headers.get("content-length", "")
    received = 0
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLarge(f"the body declares {int(declared):,} bytes; at most {limit:,} are read here")
    async for chunk in request.stream():
        received += len(chunk)
        if received > limit:
            raise BodyTooLarge(f"the body is over the limit of {limit:,} bytes")
        yield chunk


def _media_type(request: Request) -> str:
    """Return the declared media type in lower case, or "" when there is none. JSON is UTF-8 only."""
    declared = request.headers.get("content-type", "")
    header = Message()
    header["content-type"] = declared
    charset = header.get_param("charset", "utf-8")
    if isinstance(charset, str) and charset.strip("'\"").lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType("the body's charset must be utf-8")
    return header.get_content_type() if declared else ""


def _missing_part(name: str) -> InvalidRequest:
    message = "this part is missing"
    return InvalidRequest(
        f"the multipart body does not validate: {name}: {message}", fields=[FieldError(name, message)]
    )
