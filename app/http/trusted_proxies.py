"""Which addresses are proxies whose word is taken: those that FORWARDED_ALLOW_IPS names, and no other."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network


class TrustedProxies:
    """The addresses and networks of a setting, separated by commas. `address in proxies` tells whether it is one."""

    def __init__(self, setting: str) -> None:
        self._networks = [ip_network(each.strip()) for each in setting.split(",") if each.strip()]
        self._trusts = lru_cache(maxsize=1024)(self._look)

    def __contains__(self, address: object) -> bool:
        return bool(self._networks) and isinstance(address, str) and self._trusts(address)

    def _look(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)
