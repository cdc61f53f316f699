"""Names people give artefacts: a ticket's id or name, an adapter's `lang`, `lang@version`, `lang@alias`, or an id."""

from __future__ import annotations

import uuid
from typing import Any

from ltp_client.aio.connection import AsyncConnection
from ltp_client.errors import NotFound

PRODUCTION, STARTER, MANY, LATEST = "production", "starter", "mul", "latest"
STARTERS = 200
"""Adapters of several languages that are looked through for the starter, the newest first."""


def is_id(reference: str) -> bool:
    """Whether this is an id already."""
    try:
        uuid.UUID(reference)
    except ValueError:
        return False
    return True


def is_starter(reference: str) -> bool:
    """Whether this names the adapter for many languages that comes with the service's backbone."""
    return reference in {STARTER, f"{MANY}@{STARTER}"}


async def find_ticket(connection: AsyncConnection, reference: str) -> dict[str, Any]:
    """The ticket with this id, or the newest ready one with this name; `latest` is the newest ready one of all."""
    if is_id(reference):
        return await connection.get(f"/tickets/{reference}")
    async for ticket in connection.pages("/tickets"):
        if ticket["status"] == "ready" and reference in {ticket["name"], LATEST}:
            return ticket
    raise NotFound("ticket_not_found", f"there is no ticket named {reference!r}")


async def find_adapter(connection: AsyncConnection, reference: str) -> dict[str, Any]:
    """The adapter that `reference` means: `lang` is its `production` alias, else its newest ready version.

    One that is not named by its id comes as lists have it, without its details.
    """
    if is_id(reference):
        return await connection.get(f"/adapters/{reference}")
    if is_starter(reference):
        starter = await find_starter(connection)
        if starter is None:
            raise NotFound("adapter_not_found", "this service has no starter")
        return starter
    language, _, chosen = reference.partition("@")
    newest: dict[str, Any] | None = None
    async for adapter in connection.pages("/adapters", lang=language):
        if adapter["status"] != "ready":
            continue
        if chosen == str(adapter["version"]) or (chosen or PRODUCTION) in adapter["aliases"]:
            return adapter
        if newest is None or adapter["version"] > newest["version"]:
            newest = adapter
    if newest is not None and not chosen:
        return newest
    raise NotFound("adapter_not_found", f"there is no adapter {reference!r}")


async def find_starter(connection: AsyncConnection) -> dict[str, Any] | None:
    """The service's starter, if it has one."""
    async for adapter in connection.pages("/adapters", lang=MANY, limit=STARTERS):
        if adapter["origin"] == STARTER:
            return adapter
    return None
