"""Languages with their versions and aliases, and what their own texts changed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ltp_client.models import Alias, Language, LanguageDelta
from ltp_client.record import read
from ltp_client.requests import LanguageTextRequest
from ltp_client.sync.connection import Connection
from ltp_client.sync.running import Running
from ltp_client.sync.tickets import corpus_of
from ltp_client.uploads import Source

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Languages:
    """`client.languages`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def adapt(
        self,
        lang: str,
        corpus: Source | Sequence[str],
        *,
        key: str | None = None,
        **options: Unpack[LanguageTextRequest],
    ) -> Running[LanguageDelta]:
        """Train a ticket's parameters on unlabelled text of the language; `options` are `ticket` and `mlm`."""
        body, files = corpus_of(corpus)
        accepted = self._connection.post(f"/languages/{lang}/text", {**body, **options}, files=files, key=key)
        return Running(self._connection, accepted, LanguageDelta, "/language-deltas")

    def set_alias(self, lang: str, alias: str, version: int) -> Alias:
        """Point an alias at a version, atomically."""
        path = f"/languages/{lang}/aliases/{alias}"
        return read(Alias, self._connection.put(path, {"version": version}))

    def delete_alias(self, lang: str, alias: str) -> None:
        """Remove an alias; the adapter that it pointed at stays."""
        self._connection.delete(f"/languages/{lang}/aliases/{alias}")

    def list(self, *, limit: int | None = None) -> Iterator[Language]:
        """Languages with a ready adapter, by their tags."""
        for item in self._connection.pages("/languages", limit=limit):
            yield read(Language, item)


class LanguageDeltas:
    """`client.language_deltas`: what languages' own texts changed, to train adapters on top of."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, language_delta_id: str) -> LanguageDelta:
        """Look at one."""
        return read(LanguageDelta, self._connection.get(f"/language-deltas/{language_delta_id}"))

    def delete(self, language_delta_id: str) -> None:
        """Delete one; adapters on top of it stay."""
        self._connection.delete(f"/language-deltas/{language_delta_id}")

    def export(self, language_delta_id: str, target: str | os.PathLike[str]) -> int:
        """Write one as a safetensors file; returns its size in bytes."""
        return self._connection.save(f"/language-deltas/{language_delta_id}/export", target)

    def list(self, *, lang: str | None = None, limit: int | None = None) -> Iterator[LanguageDelta]:
        """Language deltas, newest first."""
        for item in self._connection.pages("/language-deltas", lang=lang, limit=limit):
            yield read(LanguageDelta, item)
