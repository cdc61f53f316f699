"""`ltp key` against a service that asks for keys, and the address such a service may listen on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.cli_process import Done, run, serving

pytestmark = pytest.mark.process

ADMIN_KEY = "the-settings-own-key-of-more-than-32-characters"
Run = Callable[..., Done]


@pytest.fixture(scope="module")
def guarded(tiny_backbone_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An API with authentication on, which others can reach."""
    data = tmp_path_factory.mktemp("guarded") / "data"
    assert run("migrate", data_dir=str(data)).code == 0
    settings = {"auth": "on", "admin_key": ADMIN_KEY, "host": "0.0.0.0"}  # noqa: S104  it asks for keys
    with serving("api", backbone=tiny_backbone_dir, data=data, **settings) as url:
        yield url


@pytest.fixture
def as_admin(guarded: str) -> Run:
    return lambda *arguments: run(*arguments, url=guarded, api_key=ADMIN_KEY)


def test_a_key_is_made_used_listed_and_revoked(guarded: str, as_admin: Run) -> None:
    made = as_admin("key", "create", "laptop", "--scope", "read", "--scope", "predict", "--tenant", "field", "--json")
    assert made.code == 0, made.err
    assert (made.json["tenant"], made.json["scopes"], made.json["expires_at"]) == ("field", ["predict", "read"], None)
    secret = made.json["secret"]

    assert run("ticket", "list", "--json", "--api-key", secret, url=guarded).json == []
    refused = run("key", "list", "--json", url=guarded, api_key=secret)
    assert (refused.code, refused.json["error"]) == (1, "forbidden")
    listed = as_admin("key", "list").out
    for word in (made.json["id"], "laptop", "field", "predict read", "never"):
        assert word in listed
    assert secret not in listed

    assert as_admin("key", "revoke", "laptop").code == 0
    assert made.json["id"] not in as_admin("key", "list").out
    again = as_admin("key", "revoke", made.json["id"], "--json")
    assert (again.code, again.json["error"]) == (1, "key_not_found")
    gone = run("ticket", "list", "--json", url=guarded, api_key=secret)
    assert (gone.code, gone.json["error"]) == (1, "unauthorized")


def test_the_secret_is_shown_to_people_with_a_warning(as_admin: Run) -> None:
    shown = as_admin("key", "create", "for people", "--scope", "train", "--expires", "90d")
    assert shown.code == 0, shown.err
    assert "ltp_" in shown.out
    assert "not shown again" in shown.err
    found = next(key for key in as_admin("key", "list", "--json").json if key["name"] == "for people")
    left = datetime.fromisoformat(found["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=89) < left <= timedelta(days=90)


def test_a_name_that_several_keys_have_revokes_none(as_admin: Run) -> None:
    for _ in range(2):
        assert as_admin("key", "create", "twins", "--scope", "read").code == 0
    done = as_admin("key", "revoke", "twins")
    assert done.code == 1
    assert "2 keys named 'twins'" in done.err


def test_wrong_usage_is_told_before_anything_is_sent() -> None:
    assert run("key", "create", "x").code == 2
    assert run("key", "create", "x", "--scope", "write").code == 2
    done = run("key", "create", "x", "--scope", "read", "--expires", "next week")
    assert done.code == 2
    assert "expires is 'next week'" in " ".join(done.err.replace("│", " ").split())


def test_without_a_key_the_refusal_says_what_to_send(guarded: str) -> None:
    done = run("job", "list", "--json", url=guarded)
    assert (done.code, done.json["error"]) == (1, "unauthorized")
    assert "give a valid key with --api-key, or in LTP_API_KEY" in done.err
