"""How the service talks to Postgres: how long it waits for what, and how many connections it takes.

Every transaction here is short, so whatever lasts longer is a fault: a server that is gone, a network that swallows
packets, a lock that is not released. Each ends as an error of the database, which requests answer with 503 and
workers try again. An argument in the URL wins over the one given here (`?connect_timeout=10`). What no limit here ends
is a wait for a host that goes on acknowledging packets while its server is frozen: requests then wait as long as it is.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import URL

CONNECT_S = 5
"""To reach the server, for each of its addresses."""
SILENT_S = 30
"""Packets that are not acknowledged for so long end the connection; half of a lease, so that heartbeats try again."""
STATEMENT_S = 30
LOCK_S = 10
IDLE_S = 30
"""A transaction that does nothing for so long belongs to a process that is frozen. Its locks are gone, then, before the
lease of a job runs out, which could not be taken back while its row is locked."""
POOL = 5
OVERFLOW = 15
"""An API takes up to 20 connections under load and keeps 5; a worker and its job together need 5."""
POOL_S = 5
"""A request that gets no connection for so long is answered with 503."""


def arguments(url: URL) -> dict[str, Any]:
    """Return what `create_engine` is to be told for this database."""
    connect: dict[str, Any] = {
        "application_name": "ltp",
        "connect_timeout": CONNECT_S,
        "keepalives_idle": SILENT_S // 2,
        "keepalives_interval": SILENT_S // 6,
        "keepalives_count": 3,
        "tcp_user_timeout": SILENT_S * 1000,
        "options": f"-c statement_timeout={STATEMENT_S}s -c lock_timeout={LOCK_S}s"
        f" -c idle_in_transaction_session_timeout={IDLE_S}s",
    }
    return {
        "connect_args": {name: value for name, value in connect.items() if name not in url.query},
        "pool_pre_ping": True,  # after a restart of the server the first statement meets a new connection
        "pool_size": POOL,
        "max_overflow": OVERFLOW,
        "pool_timeout": POOL_S,
    }
