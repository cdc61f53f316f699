"""Where webhooks may go: which entries of the setting are hosts, and how a host is written."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from app.jobs.webhook_hosts import origin_of
from app.settings import Settings


@pytest.mark.parametrize("entry", ["*.example.org", "hooks.example.org/ltp", "hooks.example.org:99999", "h:0", "a b"])
def test_an_entry_that_is_no_host_is_refused(entry: str) -> None:
    with pytest.raises(ValidationError, match="is no host; write one as"):
        Settings(_env_file=None, webhook_hosts=f"hooks.example.org, {entry}")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://HOOKS.example.org:443/ltp", "hooks.example.org"),
        ("http://hooks.example.org:443/", "hooks.example.org:443"),
        ("https://[2001:db8::1]/", "[2001:db8::1]"),
        ("https://[2001:db8::1]:8443/", "[2001:db8::1]:8443"),
    ],
)
def test_a_host_is_written_as_the_header_has_it(url: str, authority: str) -> None:
    assert origin_of(url).authority == authority
