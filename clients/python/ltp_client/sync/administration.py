"""Who may use the service, who changed what, and who is told when a job has ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from ltp_client.models import AuditEvent, Delivery, Key, KeyCreated, Webhook, WebhookCreated
from ltp_client.record import read
from ltp_client.sync.connection import Connection


class Keys:
    """`client.keys`; needs the scope `admin`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(
        self, name: str, *, scopes: Sequence[str], tenant: str | None = None, expires_at: datetime | None = None
    ) -> KeyCreated:
        """Make a key; its `secret` is shown this once. A moment without a time zone is one of this machine's."""
        moment = None if expires_at is None else expires_at.astimezone().isoformat()
        told = {"tenant": tenant, "expires_at": moment}
        body = {
            "name": name,
            "scopes": list(scopes),
            **{field: said for field, said in told.items() if said is not None},
        }
        return read(KeyCreated, self._connection.post("/keys", body, repeatable=False))

    def revoke(self, key_id: str, *, with_made: bool = False) -> None:
        """Make a key invalid, for good; `with_made` also those that it made."""
        self._connection.delete(f"/keys/{key_id}", with_made=True if with_made else None)

    def list(self, *, limit: int | None = None) -> Iterator[Key]:
        """Keys that are not revoked, newest first."""
        for item in self._connection.pages("/keys", limit=limit):
            yield read(Key, item)


class Audit:
    """`client.audit`; needs the scope `admin`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, *, limit: int | None = None) -> Iterator[AuditEvent]:
        """Who changed what, newest first."""
        for item in self._connection.pages("/audit", limit=limit):
            yield read(AuditEvent, item)


class Webhooks:
    """`client.webhooks`; needs the scope `admin`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, url: str, *, events: Sequence[str] | None = None) -> WebhookCreated:
        """Have the ends of jobs posted to `url`, all of them or those of `events`; its `secret` is shown this once."""
        body = {"url": url, **({} if events is None else {"events": [*events]})}
        return read(WebhookCreated, self._connection.post("/webhooks", body, repeatable=False))

    def delete(self, webhook_id: str) -> None:
        """Send nothing more to a webhook."""
        self._connection.delete(f"/webhooks/{webhook_id}")

    def deliveries(self, webhook_id: str, *, limit: int | None = None) -> Iterator[Delivery]:
        """What was sent to a webhook, newest first."""
        for item in self._connection.pages(f"/webhooks/{webhook_id}/deliveries", limit=limit):
            yield read(Delivery, item)

    def list(self, *, limit: int | None = None) -> Iterator[Webhook]:
        """Webhooks, newest first."""
        for item in self._connection.pages("/webhooks", limit=limit):
            yield read(Webhook, item)
