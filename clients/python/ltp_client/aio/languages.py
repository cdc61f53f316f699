"""Languages with their versions and aliases, and what their own texts changed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from ltp_client.aio.connection import AsyncConnection
from ltp_client.aio.running import AsyncRunning
from ltp_client.aio.tickets import corpus_of
from ltp_client.models import Alias, Language, LanguageDelta
from ltp_client.record import read
from ltp_client.requests import LanguageTextRequest
from ltp_client.uploads import Source

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Languages:
    """`client.languages`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def adapt(
        self,
        lang: str,
        corpus: Source | Sequence[str],
        *,
        key: str | None = None,
        **options: Unpack[LanguageTextRequest],
    ) -> AsyncRunning[LanguageDelta]:
        """Train a ticket's parameters on unlabelled text of the language; `options` are `ticket` and `mlm`."""
        body, files = corpus_of(corpus)
        accepted = await self._connection.post(f"/languages/{lang}/text", {**body, **options}, files=files, key=key)
        return AsyncRunning(self._connection, accepted, LanguageDelta, "/language-deltas")

    async def set_alias(self, lang: str, alias: str, version: int) -> Alias:
        """Point an alias at a version, atomically."""
        path = f"/languages/{lang}/aliases/{alias}"
        return read(Alias, await self._connection.put(path, {"version": version}))

    async def delete_alias(self, lang: str, alias: str) -> None:
        """Remove an alias; the adapter that it pointed at stays."""
        await self._connection.delete(f"/languages/{lang}/aliases/{alias}")

    async def list(self, *, limit: int | None = None) -> AsyncIterator[Language]:
        """Languages with a ready adapter, by their tags."""
        async for item in self._connection.pages("/languages", limit=limit):
            yield read(Language, item)


class LanguageDeltas:
    """`client.language_deltas`: what languages' own texts changed, to train adapters on top of."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, language_delta_id: str) -> LanguageDelta:
        """Look at one."""
        return read(LanguageDelta, await self._connection.get(f"/language-deltas/{language_delta_id}"))

    async def delete(self, language_delta_id: str) -> None:
        """Delete one; adapters on top of it stay."""
        await self._connection.delete(f"/language-deltas/{language_delta_id}")

    async def export(self, language_delta_id: str, target: str | os.PathLike[str]) -> int:
        """Write one as a safetensors file; returns its size in bytes."""
        return await self._connection.save(f"/language-deltas/{language_delta_id}/export", target)

    async def list(self, *, lang: str | None = None, limit: int | None = None) -> AsyncIterator[LanguageDelta]:
        """Language deltas, newest first."""
        async for item in self._connection.pages("/language-deltas", lang=lang, limit=limit):
            yield read(LanguageDelta, item)
