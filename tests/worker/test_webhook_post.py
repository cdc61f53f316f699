"""One message over a real socket: whom it may go to, whose certificate is believed, what an answer may cost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import trustme
from support.receiver import Receiver, receiving

from app.jobs.webhook_deliveries import Message
from app.settings import Settings
from worker.webhook_post import Outcome, is_public, post

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwZ1pVJXzK3uM="


def posted(receiver: Receiver, *, host: str = "127.0.0.1", deadline_s: float = 20, connect_s: float = 10) -> Outcome:
    origin = receiver.origin.replace("127.0.0.1", host)
    settings = Settings(_env_file=None, webhook_hosts=origin, webhook_private="on")  # type: ignore[call-arg]
    message = Message("0199f3d6-2f4a-7d11-9b02-5e8a7c31d0f4", f"{origin}/ltp", SECRET, "{}", 1)
    return asyncio.run(post(message, settings, deadline_s=deadline_s, connect_s=connect_s))


def test_a_secret_is_in_no_word_about_a_message() -> None:
    assert SECRET not in repr(Message("id", "https://hooks.example.org/", SECRET, "{}", 1))


@pytest.mark.process
def test_a_certificate_must_be_the_hosts_and_of_whom_the_environment_trusts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(tmp_path / "localhost.pem")
    with receiving(tmp_path / "localhost.pem") as receiver:
        assert "CERTIFICATE_VERIFY_FAILED" in str(posted(receiver, host="localhost").error)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        assert "not valid for '127.0.0.1'" in str(posted(receiver).error)
        assert receiver.got == []
        assert posted(receiver, host="localhost") == Outcome(200)
        assert receiver.got[0].headers["host"] == receiver.origin.replace("https://127.0.0.1", "localhost")


@pytest.mark.process
def test_an_answer_may_take_longer_than_a_connection() -> None:
    with receiving() as receiver:
        receiver.pause_s = 0.7
        assert posted(receiver, connect_s=0.5) == Outcome(200)


@pytest.mark.process
def test_an_answer_that_trickles_is_not_waited_for_beyond_the_deadline() -> None:
    with receiving() as receiver:
        receiver.trickles = 20
        assert posted(receiver, deadline_s=0.5).error == "no answer within 0.5 seconds"


@pytest.mark.process
def test_an_answer_whose_head_has_no_end_is_not_kept() -> None:
    with receiving() as receiver:
        receiver.header = 1_000_000 * "x"
        assert "RemoteProtocolError" in str(posted(receiver).error)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.7",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104  looked at, not listened on
        "224.0.0.1",
        "240.0.0.1",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:10.0.0.7",
        "64:ff9b::a00:7",
        "2002:a00:7::1",
        "::a00:7",
        "::ffff:0:a00:7",
        "64:ff9b:1::a00:7",
        "fec0::1",
    ],
)
def test_these_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["9.9.9.9", "2620:fe::fe", "64:ff9b::909:909", "::ffff:9.9.9.9"])
def test_these_addresses_are_public(address: str) -> None:
    assert is_public(address)
