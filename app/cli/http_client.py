"""The HTTP client for an address in this environment: its proxies, its certificates, the key.

What of them cannot be used is named here, since httpx would raise whatever its parts do.
"""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from app.cli.failure import Failure
from app.http.loopback import LOOPBACK
from app.settings import variable

TIMEOUT = httpx.Timeout(120.0, connect=5.0)
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
SCHEMES = {"http", "https"}
WITHOUT_PROXY = "Unset it for this command, as with `env -u ALL_PROXY ltp ...`, or list the service's host in NO_PROXY."


def open_client(url: str, api_key: str | None) -> httpx.Client:
    """A client for the service at `url`. Raises Failure for an address, key, proxy or certificates that cannot be."""
    host, secure = _checked(url)
    headers = {} if api_key is None else {"Authorization": f"Bearer {_checked_key(api_key)}"}
    direct = host in LOOPBACK or bool(proxy_bypass(host))  # a proxy is never on the way to ourselves
    if not direct:
        _refuse_unknown_proxies()
    verify = _certificates() if secure or not direct else False
    try:
        return httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT, trust_env=not direct, verify=verify)
    except (httpx.InvalidURL, ValueError, ImportError) as error:
        proxies = ", ".join(sorted(f"{name}_proxy" for name in getproxies()))
        detail = f"a proxy of the environment ({proxies}) cannot be used: {error}"
        raise Failure("unsupported_proxy", detail, hint=WITHOUT_PROXY) from error


def proxy_to(url: str) -> str | None:
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
        raise Failure("invalid_url", f"{url!r} is not an address: {error}") from error
    if parts.scheme not in SCHEMES:
        raise Failure("invalid_url", f"{url!r} is not an http:// or https:// address")
    if not host:
        raise Failure("invalid_url", f"{url!r} is not an address: it names no host")
    return host, parts.scheme == "https"


def _checked_key(api_key: str) -> str:
    wrong = next((at for at, letter in enumerate(api_key) if not "!" <= letter <= "~"), None)
    if wrong is not None:
        detail = f"the API key holds a character that no key has, at place {wrong + 1} (U+{ord(api_key[wrong]):04X})"
        raise Failure("invalid_api_key", detail, hint="It comes from --api-key or LTP_API_KEY; copy it once more.")
    return api_key


def _refuse_unknown_proxies() -> None:
    for name, proxy in getproxies().items():
        scheme = proxy.partition("://")[0] if "://" in proxy else "http"
        if name in {*SCHEMES, "all"} and scheme not in SCHEMES:
            detail = f"{name.upper()}_PROXY is {scheme}://...; LTP goes through http:// and https:// proxies only"
            raise Failure("unsupported_proxy", detail, hint=WITHOUT_PROXY)


def _certificates() -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        named = variable(*CERTIFICATES)
        where = f"{named[0]} is {named[1]!r}, which" if named else "the certificates of this system"
        detail = f"{where} cannot be read as certificates: {error.strerror or error}"
        raise Failure("no_certificates", detail) from error
