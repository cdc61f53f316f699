"""Names people type for artefacts, as the Python client reads them; what is not there is said with what to type."""

from __future__ import annotations

from typing import Any

from app.cli.client import Client, failures
from app.cli.failure import Failure
from ltp_client.sync import references

STARTER = references.STARTER
SEE = {
    "ticket_not_found": "See them with: ltp ticket list",
    "adapter_not_found": "See them with: ltp adapter list",
}


def find_ticket(client: Client, reference: str) -> dict[str, Any]:
    """The ticket with this id, or the newest ready one with this name; `latest` is the newest ready one of all."""
    try:
        with failures():
            return references.find_ticket(client.connection, reference)
    except Failure as failure:
        raise _with_hint(failure) from failure


def find_drift(client: Client, reference: str) -> str:
    """The id of a drift: itself, or that of the ticket with this name."""
    if references.is_id(reference):
        return reference
    ticket = find_ticket(client, reference)
    if ticket["drift"] is None:
        raise Failure("drift_not_found", f"ticket {reference!r} has no drift here; it was imported, or it was deleted")
    return str(ticket["drift"])


def find_adapter(client: Client, reference: str) -> dict[str, Any]:
    """The adapter that `reference` means: `lang` is its `production` alias, else its newest ready version."""
    try:
        with failures():
            return references.find_adapter(client.connection, reference)
    except Failure as failure:
        raise _with_hint(failure, starter=references.is_starter(reference)) from failure


def ticket_name(client: Client, ticket_id: str | None) -> str | None:
    """What a ticket is called; None for one without a name, and for one that is gone."""
    if ticket_id is None:
        return None
    try:
        name = client.get(f"/tickets/{ticket_id}")["name"]
    except Failure as failure:
        if failure.code != "ticket_not_found":
            raise
        return None
    return None if name is None else str(name)


def find_starter(client: Client) -> dict[str, Any] | None:
    """The service's starter, if it has one."""
    with failures():
        return references.find_starter(client.connection)


def _with_hint(failure: Failure, *, starter: bool = False) -> Failure:
    failure.hint = failure.hint or ("See: ltp settings (LTP_STARTER)" if starter else SEE.get(failure.code))
    return failure
