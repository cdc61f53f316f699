"""The names and addresses of this machine, as a URL or a `Host` header has them. Imports nothing."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
