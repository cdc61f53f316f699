"""Names people type for artefacts: a ticket's id or name, an adapter's `lang`, `lang@version`, `lang@alias` or id."""

from __future__ import annotations

import uuid
from typing import Any

from app.cli.client import Client
from app.cli.failure import Failure
from app.registry.alias_names import PRODUCTION

STARTER, MANY = "starter", "mul"
STARTER_REFERENCES = (STARTER, f"{MANY}@{STARTER}")
STARTERS = 200
"""Adapters of several languages that are looked through for the starter, the newest first."""


def find_ticket(client: Client, reference: str) -> dict[str, Any]:
    """The ticket with this id, or the newest ready one with this name; `latest` is the newest ready one of all."""
    if _is_id(reference):
        return client.get(f"/tickets/{reference}")
    for ticket in client.items("/tickets"):
        if ticket["status"] == "ready" and reference in {ticket["name"], "latest"}:
            return ticket
    raise Failure("ticket_not_found", f"there is no ticket named {reference!r}", hint="See them with: ltp ticket list")


def find_drift(client: Client, reference: str) -> str:
    """The id of a drift: itself, or that of the ticket with this name."""
    if _is_id(reference):
        return reference
    ticket = find_ticket(client, reference)
    if ticket["drift"] is None:
        raise Failure("drift_not_found", f"ticket {reference!r} has no drift here; it was imported, or it was deleted")
    return str(ticket["drift"])


def find_adapter(client: Client, reference: str) -> dict[str, Any]:
    """The adapter that `reference` means: `lang` is its `production` alias, else its newest ready version."""
    if _is_id(reference):
        return client.get(f"/adapters/{reference}")
    if reference in STARTER_REFERENCES:
        starter = find_starter(client)
        if starter is None:
            raise Failure("adapter_not_found", "this service has no starter", hint="See: ltp settings (LTP_STARTER)")
        return starter
    language, _, chosen = reference.partition("@")
    ready = [adapter for adapter in client.items("/adapters", lang=language) if adapter["status"] == "ready"]
    for adapter in ready:
        if chosen == str(adapter["version"]) or (chosen or PRODUCTION) in adapter["aliases"]:
            return adapter
    if ready and not chosen:
        return max(ready, key=lambda adapter: int(adapter["version"]))
    raise Failure("adapter_not_found", f"there is no adapter {reference!r}", hint="See them with: ltp adapter list")


def find_starter(client: Client) -> dict[str, Any] | None:
    """The service's starter, if it has one."""
    found = client.items("/adapters", lang=MANY, limit=STARTERS)
    return next((adapter for adapter in found if adapter["origin"] == STARTER), None)


def _is_id(reference: str) -> bool:
    try:
        uuid.UUID(reference)
    except ValueError:
        return False
    return True
