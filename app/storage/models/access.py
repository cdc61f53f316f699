"""Tenants and their keys, who did what, and figures that only grow."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.table import Base, Id, JsonList, Moment, Sha256, TenantName


class TenantRow(Base):
    """A team that shares what it made, and sees nothing of the others."""

    __tablename__ = "tenants"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    created_at: Mapped[Moment]


class ApiKeyRow(Base):
    """A key of a tenant. Only its SHA-256 is kept."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("sha256"), Index("ix_api_keys_tenant_id", "tenant", "id"))

    id: Mapped[Id]
    tenant: Mapped[str] = mapped_column(String(64), ForeignKey("tenants.name"))
    name: Mapped[str] = mapped_column(String(128))
    sha256: Mapped[Sha256]
    scopes: Mapped[JsonList]
    made_by: Mapped[str | None] = mapped_column(String(36), index=True)
    """Id of the key that made it; None for ADMIN_KEY. Not a foreign key: rows stay, and are restored in any order."""
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment | None]
    last_used_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]


class AuditEventRow(Base):
    """Who changed what, when. Written in the transaction of the change; holds no text and no secret.

    `actor` is `key:<id>`, `admin` (the key of the settings), `local` (authentication is off), `job:<id>`, or
    `retention`.
    """

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_tenant_id", "tenant", "id"),)

    id: Mapped[Id]
    tenant: Mapped[TenantName]
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    resource_kind: Mapped[str | None] = mapped_column(String(32))
    resource_id: Mapped[str | None] = mapped_column(String(128))
    request_id: Mapped[str | None] = mapped_column(String(128))
    created_at: Mapped[Moment] = mapped_column(index=True)


class CounterRow(Base):
    """A figure that only grows, counted by whichever process sees it happen: durations of jobs, lost leases."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    label: Mapped[str] = mapped_column(String(128), primary_key=True)
    value: Mapped[float]
