"""Where a service is and how this environment gets there: address, key, proxies, certificates.

What of them cannot be used is named here, since httpx would raise whatever its parts do.
"""

from __future__ import annotations

import contextlib
import os
import re
import ssl
from collections.abc import Iterator
from typing import TypedDict
from urllib.parse import SplitResult, quote, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from ltp_client.errors import ConnectionLost, InvalidConnection, NoService, NotAService

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
    auth: tuple[str, str] | None
    timeout: httpx.Timeout
    trust_env: bool
    verify: ssl.SSLContext | bool


def normalised(url: str | None) -> str:
    """The address, or that of `LTP_URL`, with a scheme and without a slash at its end; a path of a proxy stays."""
    given = url or os.environ.get("LTP_URL") or DEFAULT_URL
    return (given if "://" in given else f"http://{given}").rstrip("/")


def shown(url: str) -> str:
    """An address as it may stand in a sentence or a log: without the password that a proxy asks for."""
    return re.sub(r"(?<=//)[^/?#]*@", "", url, count=1)


def key_of(api_key: str | None) -> str | None:
    """The key, or that of `LTP_API_KEY`."""
    return api_key or os.environ.get("LTP_API_KEY") or None


def options(url: str, api_key: str | None, *, timeout_s: float) -> Options:
    """What httpx is to be opened with. Raises InvalidConnection for an address, key or certificates that cannot be."""
    parts = _checked(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    direct = host in LOOPBACK or bool(proxy_bypass(host))  # a proxy is never on the way to ourselves
    if not direct:
        _refuse_unknown_proxies()
    return Options(
        base_url=shown(url),
        auth=_password(parts, api_key),
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
    """Say in words what httpx means. Raises NoService, ConnectionLost or NotAService."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise NoService(url, str(error) or type(error).__name__, proxy=_proxy_to(url)) from error
    except httpx.DecodingError as error:
        raise NotAService("unexpected_answer", f"what {url} answered cannot be decoded: {error}") from error
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


def _checked(url: str) -> SplitResult:
    """The address in its parts."""
    told = repr(re.sub("(?<=//).*@", "", url))
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is none
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL) as error:
        why = "" if "@" in url else f": {error}"  # which may quote a password
        raise InvalidConnection("invalid_url", f"{told} is not an address{why}") from None
    if parts.scheme not in SCHEMES:
        raise InvalidConnection("invalid_url", f"{told} is not an http:// or https:// address")
    if parts.query or parts.fragment:
        raise InvalidConnection("invalid_url", f"{told} is not an address: it goes on behind a path, with a ? or a #")
    if not parts.hostname:
        raise InvalidConnection("invalid_url", f"{told} is not an address: it names no host")
    return parts


def _password(parts: SplitResult, api_key: str | None) -> tuple[str, str] | None:
    """Name and password of the address, for a proxy that asks for them."""
    if parts.username is None and parts.password is None:
        return None
    if api_key is not None:
        detail = "the address has a password and there is an API key, but only one of them can be sent"
        raise InvalidConnection("invalid_url", detail, hint="Have the proxy let requests with the API key through.")
    return unquote(parts.username or ""), unquote(parts.password or "")


def quoted(path: str) -> str:
    """A path of the service, each name in it as one: what an id or an alias holds is never a path or a query itself."""
    names = (quote(name, safe="@~!$&'()*+,;=:") for name in path.split("/"))
    return "/".join(name.replace(".", "%2E") if set(name) == {"."} else name for name in names)


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
