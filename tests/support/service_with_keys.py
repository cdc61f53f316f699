"""A service with authentication on, its keys, and clients that carry them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from support.running_service import Service

ADMIN_KEY = "the-settings-own-key-of-more-than-32-characters"
UNLIMITED = {"auth": "on", "admin_key": ADMIN_KEY, "rate_limit": "off", "auth_failures": "off"}
"""Settings of a service with keys, for tests that send more than a person would."""


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def admin_of(service: Service) -> httpx.Client:
    """A client with the settings' key."""
    return httpx.Client(base_url=service.url, headers=bearer(ADMIN_KEY), timeout=60, trust_env=False)


def make_key(service: Service, *scopes: str, **wanted: Any) -> dict[str, Any]:
    """A new key, made with the settings' own."""
    body = {"name": "a test's", "scopes": list(scopes), **wanted}
    response = service.http.post("/keys", json=body, headers=bearer(ADMIN_KEY))
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


@contextmanager
def holding(service: Service, *scopes: str, **wanted: Any) -> Iterator[httpx.Client]:
    """A client with a key of its own."""
    secret = make_key(service, *scopes, **wanted)["secret"]
    with httpx.Client(base_url=service.url, headers=bearer(secret), timeout=60, trust_env=False) as client:
        yield client
