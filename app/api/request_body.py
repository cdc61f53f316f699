"""Request bodies: which media types a route reads, how large they may be, and what becomes of them.

`RequestBody` is a dependency. It reads the body as it streams in, refuses what it may not be (413, 415, 422 with the
path of the field), and gives the route a `ParsedBody`. The OpenAPI document is written from the same object.
"""

# No `from __future__ import annotations`: FastAPI resolves the annotations of a callable object as they are.
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import partial
from typing import Generic, TypeVar, cast

from fastapi import Request
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from app.api.dependencies import QuotaDep
from app.api.multipart import NONE, Others, Part, receive
from app.api.schemas.long_lists import LIFTED, LIMITS, LongList, lift, most_values
from app.api.schemas.scalars import LONGEST_TEXT, MOST_CHARACTERS
from app.api.upload_room import UploadRoom
from app.auth.caller import CallerDep
from app.errors import BodyTooLarge, FieldError, InvalidRequest, UnsupportedMediaType
from app.http.body_memory import BodyMemory
from app.http.strict_json import JSONRefused, parse, refuse_long_strings
from app.http.validation_errors import field_errors, sentence
from app.settings import MIB, Settings
from app.storage.quotas import StorageQuota
from app.storage.spool import Spool, SpoolFolder

T = TypeVar("T")

JSON = "application/json"
MULTIPART = "multipart/form-data"
REQUEST = "request"
"""The part of a multipart body that carries the JSON."""
FILES_OF_PAIRS = (
    "JSON lines, a JSON array, CSV, TSV, a spreadsheet (.xlsx, .ods), Parquet, Feather or XML, plain or gzipped"
)
"""What a file of pairs may be, for the document."""
INLINE_BYTES = 64 * 1024
"""A larger JSON body is parsed in a thread, so that the event loop stays free."""


@dataclass(frozen=True)
class File:
    """A file a route takes. `limit` names the setting with its most megabytes."""

    limit: str
    description: str
    required: bool = False
    copies: int = 0
    """How often the route writes its content again beside it."""


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
        others: tuple[int, File] | None = None,
        json_body: bool = True,
        optional: bool = False,
        digested: bool = True,
    ) -> None:
        self.model, self.files, self.json_body, self.optional = model, dict(files or {}), json_body, optional
        self.others = others
        """Further files, and how many: the request says their names."""
        self.digested = digested
        self._adapter: TypeAdapter[T] = TypeAdapter(model)
        self._lists: tuple[LongList, ...] = getattr(model, "LONG_LISTS", ())

    async def __call__(self, request: Request, caller: CallerDep, quota: QuotaDep) -> AsyncIterator[ParsedBody[T]]:
        """Read the body; files live until the response has been sent."""
        settings = cast(Settings, request.app.state.settings)
        memory = cast(BodyMemory, request.app.state.body_memory)
        media_type = _media_type(request)
        if media_type == MULTIPART and self.files:
            spool = cast(Spool, request.app.state.spool)
            with spool.folder(caller.tenant) as folder, memory.reserve() as take:
                room = await self._room(request, folder, quota, caller.tenant)
                yield await self._multipart(request, settings, room, take)
        elif media_type == JSON and self.json_body:
            with memory.reserve() as take:
                yield await self._json(request, settings, take)
        else:
            accepted = [JSON] * self.json_body + [MULTIPART] * bool(self.files)
            raise UnsupportedMediaType(
                f"the body is {media_type or 'of no declared type'}; send it as {' or '.join(accepted)}"
            )

    async def _json(self, request: Request, settings: Settings, take: Callable[[int], None]) -> ParsedBody[T]:
        raw = b"".join([chunk async for chunk in _counted(limited(request, settings.max_body_mb * MIB), take)])
        if len(raw) > INLINE_BYTES:
            return await run_in_threadpool(self._read, raw, settings)
        return self._read(raw, settings)

    async def _room(self, request: Request, folder: SpoolFolder, quota: StorageQuota, tenant: str) -> UploadRoom:
        """Return the room there is for an upload, once it is sure to be enough for what the request declares."""
        copies = max(file.copies for file in self.files.values())
        db = request.app.state.db
        room = await run_in_threadpool(partial(UploadRoom, folder, quota, db, tenant=tenant, copies=copies))
        room.expect(declared_size(request))
        return room

    async def _multipart(
        self, request: Request, settings: Settings, room: UploadRoom, take: Callable[[int], None]
    ) -> ParsedBody[T]:
        limits = {name: getattr(settings, file.limit) * MIB for name, file in self.files.items()}
        limits[REQUEST] = settings.max_body_mb * MIB
        others = NONE
        if self.others is not None:
            others = Others(self.others[0], getattr(settings, self.others[1].limit) * MIB)
        stream = limited(request, sum(limits.values()) + others.most * others.limit)
        declared, directory = request.headers["content-type"], room.folder.path
        parts = await receive(
            stream, content_type=declared, limits=limits, directory=directory, take=room.take, others=others
        )
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
        limits = {each.setting: getattr(settings, each.setting) for each in self._lists if each.setting}
        try:
            tree = parse(raw, most_values=most_values(self._lists, limits))
            outer, lifted = lift(tree, self._lists)
            refuse_long_strings(outer, longest=LONGEST_TEXT)
        except JSONRefused as error:
            place = FieldError(error.path, error.message)
            raise InvalidRequest(f"the body is not acceptable JSON: {error}", fields=[place]) from None
        try:
            context = {MOST_CHARACTERS: settings.max_characters, LIMITS: limits, LIFTED: lifted}
            value = self._adapter.validate_json(json.dumps(outer), strict=True, context=context)
        except ValidationError as error:
            fields = field_errors(error.errors(include_url=False, include_input=False), tree)
            raise InvalidRequest(sentence(fields), fields=fields) from None
        if not self.digested:
            return ParsedBody(value, "")
        canonical = json.dumps(tree, sort_keys=True, separators=(",", ":"))
        return ParsedBody(value, hashlib.sha256(canonical.encode()).hexdigest())


def declared_size(request: Request) -> int:
    """Return how many bytes the body is said to have; 0 where nothing is said."""
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isdecimal() else 0


async def limited(request: Request, limit: int) -> AsyncIterator[bytes]:
    """Yield the body's chunks; BodyTooLarge once it is, or declares to be, over `limit` bytes."""
    declared, received = declared_size(request), 0
    if declared > limit:
        raise BodyTooLarge(f"the body declares {declared:,} bytes; at most {limit:,} are read here")
    async for chunk in request.stream():
        received += len(chunk)
        if received > limit:
            raise BodyTooLarge(f"the body is over the limit of {limit:,} bytes")
        yield chunk


async def _counted(chunks: AsyncIterator[bytes], take: Callable[[int], None]) -> AsyncIterator[bytes]:
    """Take memory for each chunk before it is kept."""
    async for chunk in chunks:
        take(len(chunk))
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
