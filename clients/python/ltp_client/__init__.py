"""A client of LTP: few-shot classifiers of sentence pairs, in languages that have little data.

    from ltp_client import Client

    with Client("http://127.0.0.1:8000") as client:
        adapter = client.adapters.train("pairs.csv", lang="sw", alias="production").wait()
        answer = client.predict([("Mbwa analala.", "Mnyama amelala.")], lang="sw")
        print(adapter.metrics.dev.accuracy, answer.predictions[0].label)

`AsyncClient` has the same methods, to be awaited.
"""

from __future__ import annotations

from ltp_client import models, requests
from ltp_client.aio.client import AsyncClient
from ltp_client.aio.running import AsyncRunning
from ltp_client.errors import (
    BadGateway,
    Busy,
    Conflict,
    ConnectionLost,
    Error,
    Forbidden,
    InvalidConnection,
    InvalidRequest,
    JobCancelled,
    JobFailed,
    NoService,
    NotAService,
    NotAStream,
    NotAuthenticated,
    NotFound,
    ProxyBusy,
    Refused,
    ServiceAway,
    StillRunning,
)
from ltp_client.events import Event
from ltp_client.patience import Wait
from ltp_client.sync.client import Client
from ltp_client.sync.running import Running

__version__ = "0.1.0"

__all__ = [
    "AsyncClient",
    "AsyncRunning",
    "BadGateway",
    "Busy",
    "Client",
    "Conflict",
    "ConnectionLost",
    "Error",
    "Event",
    "Forbidden",
    "InvalidConnection",
    "InvalidRequest",
    "JobCancelled",
    "JobFailed",
    "NoService",
    "NotAService",
    "NotAStream",
    "NotAuthenticated",
    "NotFound",
    "ProxyBusy",
    "Refused",
    "Running",
    "ServiceAway",
    "StillRunning",
    "Wait",
    "models",
    "requests",
]
