"""Tickets, and the drifts that they are selected from."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from ltp_client.aio.connection import AsyncConnection
from ltp_client.aio.references import find_ticket, is_id
from ltp_client.aio.running import AsyncRunning
from ltp_client.models import Drift, Ticket, TicketPreview
from ltp_client.record import read
from ltp_client.requests import TicketRequest
from ltp_client.uploads import Source, Upload, is_source, upload

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Tickets:
    """`client.tickets`. A ticket is named by its id, its name, or `latest`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create(
        self,
        corpus: Source | Sequence[str] | None = None,
        *,
        builtin: str | None = None,
        drift: str | None = None,
        key: str | None = None,
        **options: Unpack[TicketRequest],
    ) -> AsyncRunning[Ticket]:
        """Measure a drift on unlabelled text, a file or a list of sentences, or `builtin="demo"`, and select a ticket.

        With `drift`, an id, select one from a stored drift. `options` are the request's other fields, `name`,
        `active_ratio`, `mlm`, ... (`TicketRequest`).
        """
        body, files = corpus_of(corpus)
        body |= {"corpus": {"builtin": builtin}} if builtin is not None else {}
        body |= {"drift": drift} if drift is not None else {}
        accepted = await self._connection.post("/tickets", {**body, **options}, files=files, key=key)
        return AsyncRunning(self._connection, accepted, Ticket, "/tickets")

    async def get(self, ticket: str) -> Ticket:
        """Look at one: its figures, and how it spreads over the layers."""
        return read(Ticket, await find_ticket(self._connection, ticket))

    async def delete(self, ticket: str) -> None:
        """Delete one; refused while adapters depend on it."""
        await self._connection.delete(await self._path(ticket))

    async def save_mask(self, ticket: str, target: str | os.PathLike[str]) -> int:
        """Write its mask as a safetensors file; returns its size in bytes."""
        return await self._connection.save(await self._path(ticket) + "/mask", target)

    async def share(self, ticket: str, *, shared: bool = True) -> Ticket:
        """Let every tenant use it, or end that; for ADMIN_KEY alone."""
        path = await self._path(ticket) + "/shared"
        return read(Ticket, await self._connection.put(path, {"shared": shared}))

    async def list(self, *, limit: int | None = None) -> AsyncIterator[Ticket]:
        """Tickets, newest first."""
        async for item in self._connection.pages("/tickets", limit=limit):
            yield read(Ticket, item)

    async def _path(self, ticket: str) -> str:
        found = {"id": ticket} if is_id(ticket) else await find_ticket(self._connection, ticket)
        return f"/tickets/{found['id']}"


class Drifts:
    """`client.drifts`: MLM runs, from which any number of tickets are selected."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, drift_id: str) -> Drift:
        """Look at one."""
        return read(Drift, await self._connection.get(f"/drifts/{drift_id}"))

    async def preview(
        self,
        drift_id: str,
        *,
        active_ratio: float | None = None,
        rule: str | None = None,
        layers: str | Sequence[int] | None = None,
    ) -> TicketPreview:
        """What a ticket of it would cost, before it is made."""
        named = layers if layers is None or isinstance(layers, str) else ",".join(map(str, layers))
        query = {"active_ratio": active_ratio, "rule": rule, "layers": named}
        return read(TicketPreview, await self._connection.get(f"/drifts/{drift_id}/preview", **query))

    async def delete(self, drift_id: str) -> None:
        """Delete one; its tickets stay."""
        await self._connection.delete(f"/drifts/{drift_id}")

    async def list(self, *, limit: int | None = None) -> AsyncIterator[Drift]:
        """Drifts, newest first."""
        async for item in self._connection.pages("/drifts", limit=limit):
            yield read(Drift, item)


def corpus_of(corpus: Source | Sequence[str] | None) -> tuple[dict[str, Any], dict[str, Upload] | None]:
    """Text as a request has it, or as an upload."""
    if corpus is None:
        return {}, None
    if is_source(corpus):
        return {}, {"corpus": upload(corpus, name="corpus.txt")}  # type: ignore[arg-type]
    return {"corpus": {"texts": list(corpus)}}, None  # type: ignore[arg-type]
