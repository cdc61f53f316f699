"""Addresses of clients, and which of them count as one."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

UNKNOWN = "unknown"
"""The place of a client without an address."""


def place_of(address: str | None) -> str:
    """Return what a client is counted under: of IPv6 the network, since one host has as many addresses as it likes."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return UNKNOWN
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed) >> 64 << 64, 64)))
