"""Where a service is and how this environment gets there: address, key, proxies, certificates.

What of them cannot be used is named here, since httpx would raise whatever its parts do.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Iterator
from typing import TypedDict
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from ltp_client.errors import ConnectionLost, InvalidConnection, NoService

DEFAULT_URL = "http://127.0.0.1:8000"
CONNECT_S = 5.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
SCHEMES = {"http", "https"}
WITHOUT_PROXY = "Unset it, or list the service's host in NO_PROXY."
COPY_AGAIN = "It is the argument `api_key`, or LTP_API_KEY; copy it once more."


class Options(TypedDict):
    """Arguments of httpx's clients, of both kinds."""

    base_url: str
    headers: dict[str, str]
    timeout: httpx.Timeout
    trust_env: bool
    verify: ssl.SSLContext | bool


def normalised(url: str | None) -> str:
    """The address, or that of `LTP_URL`, with a scheme and without a slash at its end; a path of a proxy stays."""
    given = url or os.environ.get("LTP_URL") or DEFAULT_URL
    return (given if "://" in given else f"http://{given}").rstrip("/")


def key_of(api_key: str | None) -> str | None:
    """The key, or that of `LTP_API_KEY`."""
    return api_key or os.environ.get("LTP_API_KEY") or None


def options(url: str, api_key: str | None, *, timeout_s: float) -> Options:
    """What httpx is to be opened with. Raises InvalidConnection for an address, key or certificates that cannot be."""
    host, secure = _checked(url)
    direct = host in LOOPBACK or bool(proxy_bypass(host))  # a proxy is never on the way to ourselves
    if not direct:
        _refuse_unknown_proxies()
    return Options(
        base_url=url,
        headers={} if api_key is None else {"Authorization": f"Bearer {_checked_key(api_key)}"},
        timeout=httpx.Timeout(timeout_s, connect=CONNECT_S),
        trust_env=not direct,
        verify=_certificates() if secure or not direct else False,
    )


@contextlib.contextmanager
def opening() -> Iterator[None]:
    """Say which proxy httpx cannot go through. Raises InvalidConnection."""
    try:
        yield
    except (httpx.InvalidURL, ValueError, ImportError) as error:
        proxies = ", ".join(sorted(f"{name}_proxy" for name in getproxies()))
        detail = f"a proxy of the environment ({proxies}) cannot be used: {error}"
        raise InvalidConnection("unsupported_proxy", detail, hint=WITHOUT_PROXY) from error


@contextlib.contextmanager
def reachable(url: str) -> Iterator[None]:
    """Say in words what httpx means. Raises NoService or ConnectionLost."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise NoService(url, str(error) or type(error).__name__, proxy=_proxy_to(url)) from error
    except httpx.TransportError as error:
        detail = f"the connection to {url} broke: {error or type(error).__name__}"
        raise ConnectionLost("connection_lost", detail, hint="What was accepted goes on; list the jobs.") from error


def _proxy_to(url: str) -> str | None:
    """The proxy on the way to `url`, without its password; None if there is none."""
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    host = parts.hostname or ""
    return None if proxy is None or host in LOOPBACK or proxy_bypass(host) else proxy.rpartition("@")[2]


def _checked(url: str) -> tuple[str, bool]:
    """The host, and whether it is spoken to over TLS."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # raises for a port that is none
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL) as error:
        raise InvalidConnection("invalid_url", f"{url!r} is not an address: {error}") from error
    if parts.scheme not in SCHEMES:
        raise InvalidConnection("invalid_url", f"{url!r} is not an http:// or https:// address")
    if not host:
        raise InvalidConnection("invalid_url", f"{url!r} is not an address: it names no host")
    return host, parts.scheme == "https"


def _checked_key(api_key: str) -> str:
    wrong = next((at for at, letter in enumerate(api_key) if not "!" <= letter <= "~"), None)
    if wrong is not None:
        detail = f"the API key holds a character that no key has, at place {wrong + 1} (U+{ord(api_key[wrong]):04X})"
        raise InvalidConnection("invalid_api_key", detail, hint=COPY_AGAIN)
    return api_key


def _refuse_unknown_proxies() -> None:
    for name, proxy in getproxies().items():
        scheme = proxy.partition("://")[0] if "://" in proxy else "http"
        if name in {*SCHEMES, "all"} and scheme not in SCHEMES:
            detail = f"{name.upper()}_PROXY is {scheme}://...; LTP goes through http:// and https:// proxies only"
            raise InvalidConnection("unsupported_proxy", detail, hint=WITHOUT_PROXY)


def _certificates() -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        named = next(((name, os.environ[name]) for name in CERTIFICATES if os.environ.get(name)), None)
        where = f"{named[0]} is {named[1]!r}, which" if named else "the certificates of this system"
        detail = f"{where} cannot be read as certificates: {error.strerror or error}"
        raise InvalidConnection("no_certificates", detail) from error
