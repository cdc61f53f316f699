"""Downloads: streamed chunk by chunk, checked as they go, broken off rather than completed wrongly."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from app.api.file_names import clean_name
from app.errors import BlobNotFound, NotFound
from ltp.text.files.results import RESULT_FORMATS

SAFETENSORS = "application/octet-stream"
GZIP = ".gz"
TABLES = {".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods", ".parquet", ".feather", ".xml"}
"""Endings of files of pairs, which another takes the place of."""
FORMATS: dict[str, str] = {name: form.media_type for name, form in RESULT_FORMATS.items()}
"""The media type of each format that results are written in."""


async def download(
    chunks: Iterator[bytes], media_type: str, *, name: str, gone: NotFound, size: int | None = None
) -> StreamingResponse:
    """Answer with `chunks` as a file. A fault before the first one is an error of its own, not half a file.

    `gone` is raised for what has been deleted since the request was let in. With `size` the response declares its
    length, so that one that breaks off is not taken for complete.
    """
    try:
        first = await run_in_threadpool(next, chunks, b"")
    except BlobNotFound as error:
        raise gone from error
    headers = {"Content-Disposition": disposition(name)}
    if size is not None:
        headers["Content-Length"] = str(size)
    return StreamingResponse(chain([first], chunks), media_type=media_type, headers=headers)


def result_name(filename: str | None, *, form: str, result: str) -> str | None:
    """Name the result of a file in `form`: as that is called, with another ending where the result's form is another.

    None for a file without a name.
    """
    path = PurePath(filename or "")
    if path.suffix.lower() == GZIP:
        path = path.with_suffix("")
    if form == result or not path.name:
        return path.name or None
    return f"{path.stem if path.suffix.lower() in TABLES else path.name}.{result}"


def disposition(name: str) -> str:
    """Say that an answer is a file called `name`, whatever that is: rows keep what clients once called theirs."""
    name = clean_name(name) or "download"
    ascii_name = name.encode("ascii", "replace").decode().replace('"', "'")
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"


def downloads(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    """Document a file as the answer of a route."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"description": f"{description}.", "content": content}}
