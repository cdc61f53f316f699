"""One message to one webhook: a signed POST to an address that was looked at before it is connected to.

Signed as Standard Webhooks has it (https://www.standardwebhooks.com): HMAC-SHA256 over id, time and body.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
import time
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx
import structlog

from app.jobs.webhook_deliveries import Message
from app.jobs.webhook_hosts import HostNotAllowed, Origin, check
from app.jobs.webhooks import SECRET_PREFIX
from app.settings import Settings
from ltp.release import release

log = structlog.get_logger(__name__)

DEADLINE_S, CONNECT_S = 10.0, 5.0
"""Of an attempt in all, from the name look-up to the answer; and to connect, so that a second address has its turn."""
NAT64 = ip_network("64:ff9b::/96")
UNICAST = ip_network("2000::/3")
"""Where all public addresses of IPv6 are; beside it is what is local, reserved, or another way to write one of IPv4."""


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended; `error` None: the receiver has it."""

    response_status: int | None = None
    error: str | None = None


async def post(
    message: Message, settings: Settings, *, deadline_s: float = DEADLINE_S, connect_s: float = CONNECT_S
) -> Outcome:
    """Send a message once; never raises, since others wait for the same thread."""
    try:
        async with asyncio.timeout(deadline_s):
            origin = check(message.url, settings)
            addresses = await _resolved(origin, private=settings.webhook_private == "on")
            status = await _send(message, origin, addresses, httpx.Timeout(deadline_s, connect=connect_s))
    except HostNotAllowed as error:
        return Outcome(error=str(error))
    except httpx.ConnectTimeout:
        return Outcome(error=f"no connection within {connect_s:g} seconds")
    except TimeoutError:
        return Outcome(error=f"no answer within {deadline_s:g} seconds")
    except (httpx.HTTPError, OSError, UnicodeError) as error:
        return Outcome(error=f"{type(error).__name__}: {error}"[:200])
    except Exception as error:
        log.exception("webhook could not be sent", delivery=message.id)
        return Outcome(error=f"{type(error).__name__}, of the service itself; its log says more")
    if 200 <= status < 300:
        return Outcome(status)
    moved = ", and redirects are not followed" if 300 <= status < 400 else ""
    return Outcome(status, f"answered {status}{moved}; 2xx says that a message has arrived")


def signed(message: Message, *, timestamp: int) -> dict[str, str]:
    """Return the headers that say which message this is, when it was sent, and that we sent it."""
    key = base64.b64decode(message.secret.removeprefix(SECRET_PREFIX))
    digest = hmac.digest(key, f"{message.id}.{timestamp}.{message.body}".encode(), hashlib.sha256)
    return {
        "webhook-id": message.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode('ascii')}",
    }


def is_public(address: str) -> bool:
    """Tell whether an address is one of the public internet, also where it stands for another one."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        parsed = _stands_for(parsed) or parsed
    public = parsed.is_global and not parsed.is_multicast
    return public and (isinstance(parsed, IPv4Address) or parsed in UNICAST)


def _stands_for(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that is reached through this one."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


async def _resolved(origin: Origin, *, private: bool) -> list[str]:
    """Look the host up, once. Raises `HostNotAllowed` if any of its addresses is not public, unless all are allowed."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(origin.host.strip("[]"), origin.port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
    inside = [each for each in addresses if not is_public(each)]
    if inside and not private:
        raise HostNotAllowed(f"{origin.host} has the private address {inside[0]}, and LTP_WEBHOOK_PRIVATE is off")
    return addresses


async def _send(message: Message, origin: Origin, addresses: list[str], timeout: httpx.Timeout) -> int:
    """Post to the first of these addresses that takes a connection; return the status, and read nothing after it.

    The URL names the address, so that nothing looks the host up again; certificate and `Host` are the host's. Of the
    environment only whose certificates are trusted counts, no proxy.
    """
    headers = {
        "Host": origin.authority,
        "Content-Type": "application/json",
        "User-Agent": f"ltp/{release()}",
        **signed(message, timestamp=int(time.time())),
    }
    url = httpx.URL(message.url)
    trusted = httpx.create_ssl_context()  # SSL_CERT_FILE, SSL_CERT_DIR, or else what certifi has
    async with httpx.AsyncClient(verify=trusted, timeout=timeout, follow_redirects=False, trust_env=False) as client:
        for index, address in enumerate(addresses):
            request = client.build_request(
                "POST",
                url.copy_with(host=address),
                content=message.body.encode(),
                headers=headers,
                extensions={"sni_hostname": origin.host},
            )
            try:
                response = await client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if index + 1 == len(addresses):
                    raise
                continue
            await response.aclose()
            return response.status_code
    raise OSError(f"{origin.host} has no address")
