"""Settings of webhooks: where finished jobs may be told of, and how many subscriptions there may be."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

HOST = re.compile(
    r"(?:https?://)?(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([0-9]{1,5}))?", re.IGNORECASE
)
PORTS = range(1, 65536)


def entries(hosts: str) -> list[str]:
    """Return what stands between the commas."""
    return [each.strip() for each in hosts.split(",") if each.strip()]


def _are_hosts(hosts: str) -> str:
    """Refuse what is no host, and patterns, which would allow more than whoever wrote them sees."""
    for each in entries(hosts):
        found = HOST.fullmatch(each)
        if found is None or int(found[1] or 1) not in PORTS:
            wanted = "write one as hooks.example.org, hooks.example.org:8443 or http://hooks.example.org"
            raise ValueError(f"{each!r} is no host; {wanted}")
    return hosts


class WebhookSettings(BaseSettings):
    """What `app.settings.Settings`, which alone is read from the environment, says of webhooks."""

    model_config = SettingsConfigDict(use_attribute_docstrings=True)

    webhook_hosts: Annotated[str, AfterValidator(_are_hosts)] = ""
    """Where webhooks may go, with commas: `HOST` or `HOST:PORT` over https, `http://HOST` without. Empty: nowhere, they
    are off. The same for API and workers."""
    webhook_private: Literal["on", "off"] = "off"
    """`on`: hosts of `WEBHOOK_HOSTS` may have private addresses, of this machine or network; `off` refuses those."""
    max_webhooks: Annotated[int, Field(ge=1)] = 10
    """Webhooks a tenant may have."""
