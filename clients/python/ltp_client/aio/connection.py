"""One service over HTTP: JSON in, JSON out, every refusal an error, what was lost or came too early sent once more."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from ltp_client import address
from ltp_client.errors import Error, NotFound
from ltp_client.http_answers import document, is_refused, items_of, refusal
from ltp_client.patience import Patience
from ltp_client.uploads import Upload, parts

PAGE = 200
IDEMPOTENCY_KEY = "Idempotency-Key"


class AsyncConnection:
    """Sends requests. Each that starts work carries an idempotency key, so that repeating it starts nothing twice."""

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        timeout_s: float = 120.0,
        patience: Patience | None = None,
    ) -> None:
        """Raises InvalidConnection for an address, key, proxy or certificates that cannot be used."""
        given = address.normalised(url)
        self.url = address.shown(given)
        self.patience = patience or Patience()
        options = address.options(given, address.key_of(api_key), timeout_s=timeout_s)
        with address.opening():
            self._http = httpx.AsyncClient(**options)

    async def __aenter__(self) -> AsyncConnection:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        """One resource."""
        return document(await self._ask("GET", path, repeatable=True, params=_present(query)), self.url)

    async def content(self, path: str) -> httpx.Response:
        """One file as a whole, in memory."""
        return await self._ask("GET", path, repeatable=True)

    async def pages(self, path: str, *, limit: int | None = None, **query: Any) -> AsyncIterator[dict[str, Any]]:
        """The items of a list, newest first, page by page until `limit` or its end."""
        cursor: str | None = None
        left = limit
        while left is None or left > 0:
            page = await self.get(path, **query, limit=PAGE if left is None else min(PAGE, left), cursor=cursor)
            items = items_of(page, self.url)
            for item in items[:left]:
                yield item
            left = None if left is None else left - len(items)
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    async def put(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Set something to `body`."""
        return document(await self._ask("PUT", path, repeatable=True, json=body), self.url)

    async def delete(self, path: str, **query: Any) -> None:
        """Remove one resource."""
        await self._ask("DELETE", path, repeatable=True, params=_present(query))

    async def post(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        files: Mapping[str, Upload] | None = None,
        key: str | None = None,
        repeatable: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Send JSON; or, with `files`, multipart with those and `body` as the part named `request`.

        What was sent before with the same idempotency `key` is not begun again. `repeatable` is whether it may be sent
        once more when the connection broke: not where the service would do it twice.
        """
        headers = {**(headers or {}), IDEMPOTENCY_KEY: key or str(uuid.uuid4())}
        if files is None:
            answer = await self._ask("POST", path, repeatable=repeatable, headers=headers, json=body)
        else:
            answer = await self._ask("POST", path, repeatable=repeatable, headers=headers, upload=(body or {}, files))
        return document(answer, self.url)

    async def save(
        self, path: str, target: str | os.PathLike[str], *, read_s: float | None = None, **query: Any
    ) -> int:
        """Stream a download into `target`, which appears whole or not at all; returns its size in bytes.

        `read_s` is for what the service takes long to make.
        """
        attempts = self.patience.begin(repeatable=True)
        place = Path(target)
        if place.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder, where a file is to be written", str(place))
        part = place.with_name(f".{uuid.uuid4().hex}.part")
        try:
            while True:
                try:
                    async with self.stream(path, params=_present(query), read_s=read_s) as response:
                        with part.open("wb") as file:
                            async for chunk in response.aiter_bytes():
                                file.write(chunk)
                    break
                except Error as error:
                    pause = attempts.pause_after(error)
                await asyncio.sleep(pause)
            size = part.stat().st_size
            part.replace(place)
        except OSError as error:
            if error.filename == str(part):
                error.filename = str(place)  # the name that the caller knows
            raise
        finally:
            with contextlib.suppress(OSError):  # it is not there, or its folder is not
                part.unlink()
        return size

    @contextlib.asynccontextmanager
    async def stream(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        read_s: float | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """An answer that is read as it comes; `read_s` bounds a silence of it."""
        timeout = self._http.timeout if read_s is None else httpx.Timeout(read_s, connect=address.CONNECT_S)
        with address.reachable(self.url):
            asked = self._http.stream("GET", address.quoted(path), headers=headers, params=params, timeout=timeout)
            async with asked as response:
                if is_refused(response):
                    await response.aread()
                    raise refusal(response)
                yield response

    async def _ask(self, method: str, path: str, *, repeatable: bool, **request: Any) -> httpx.Response:
        """Send until there is an answer, as long as there is patience."""
        attempts = self.patience.begin(repeatable=repeatable)
        while True:
            try:
                return await self._once(method, path, **request)
            except NotFound as error:
                if method == "DELETE" and attempts.lost:
                    return httpx.Response(204)  # an attempt that was not heard of did it
                pause = attempts.pause_after(error)
            except Error as error:
                pause = attempts.pause_after(error)
            await asyncio.sleep(pause)

    async def _once(
        self,
        method: str,
        path: str,
        *,
        upload: tuple[Mapping[str, Any], Mapping[str, Upload]] | None = None,
        **sent: Any,
    ) -> httpx.Response:
        with address.reachable(self.url), ExitStack() as opened:
            if upload is not None:
                sent["files"] = parts(*upload, opened)
            response = await self._http.request(method, address.quoted(path), **sent)
        if is_refused(response):
            raise refusal(response)
        return response


def _present(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}
