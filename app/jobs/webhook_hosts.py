"""Where webhooks may go: the origins of the settings, compared after both were brought into one form."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from app.settings import Settings
from app.webhook_settings import entries

PORTS = {"https": 443, "http": 80}
LONGEST_URL = 2000


class HostNotAllowed(ValueError):
    """A webhook's address is none that the settings allow; the message says why."""


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port of a URL: what decides who is spoken to."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host and port as a URL and the header `Host` have them: an address of IPv6 in brackets, no usual port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def check(url: str, settings: Settings) -> Origin:
    """Return whom a URL speaks to. Raises `HostNotAllowed` for one that the settings do not allow."""
    if not entries(settings.webhook_hosts):
        raise HostNotAllowed("webhooks are off here: LTP_WEBHOOK_HOSTS names no host; ask who runs the service")
    origin = origin_of(url)
    if origin not in {_of_entry(each) for each in entries(settings.webhook_hosts)}:
        asked = f"{origin.scheme}://{origin.authority}"
        raise HostNotAllowed(f"{asked} is not among the hosts that LTP_WEBHOOK_HOSTS allows; ask who runs the service")
    return origin


def origin_of(url: str) -> Origin:
    """Return whom a URL of https or http speaks to. Raises `HostNotAllowed` for anything else."""
    try:
        parsed = httpx.URL(url)
        host, scheme, port = parsed.raw_host.decode("ascii").lower(), parsed.scheme, parsed.port
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise HostNotAllowed(f"{url[:100]!r} is no URL; write one as https://hooks.example.org/ltp") from None
    if scheme not in PORTS or not host or len(url) > LONGEST_URL:
        raise HostNotAllowed(f"{url[:100]!r} is no URL of https and up to {LONGEST_URL} characters")
    if parsed.userinfo or parsed.fragment:
        raise HostNotAllowed("a webhook's URL holds no user, password or fragment: messages are signed instead")
    return Origin(scheme, host, PORTS[scheme] if port is None else port)


def _of_entry(entry: str) -> Origin:
    """Return the origin that one entry of the setting allows."""
    return origin_of(entry if "://" in entry else f"https://{entry}")
