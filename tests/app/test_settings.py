"""Settings: where a value came from, what is never shown, and what a child process gets."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import Settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def line(settings: Settings, name: str) -> tuple[str, str]:
    return next((row.value, row.source) for row in settings.lines() if row.name == name)


def test_each_value_names_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("LTP_PORT=9000\nLTP_LEASE_S=90\nLTP_HEARTBEAT_S=5\n")
    monkeypatch.setenv("LTP_PORT", "9001")
    monkeypatch.setenv("LTP_REDIS_URL", "")
    monkeypatch.setenv("LTP_HEARTBEAT_S", "")
    settings = Settings(host="localhost")
    assert line(settings, "LTP_PORT") == ("9001", "environment")
    assert line(settings, "LTP_LEASE_S") == ("90.0", ".env")
    assert line(settings, "LTP_HEARTBEAT_S") == ("5.0", ".env"), "an empty variable counts as none"
    assert line(settings, "LTP_HOST") == ("localhost", "command line")
    assert line(settings, "LTP_SWEEP_S") == ("15.0", "default")
    assert line(settings, "LTP_REDIS_URL") == ("", "default")


def test_every_setting_is_described() -> None:
    assert [row.name for row in Settings().lines() if not row.description] == []


def test_secrets_are_masked_and_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "s" * 32
    settings = Settings(
        admin_key=secret,  # type: ignore[arg-type]
        api_key=secret,  # type: ignore[arg-type]
        redis_url=f"redis://:{secret}@host",  # type: ignore[arg-type]
        database_url=f"postgresql+psycopg://ltp:{secret}@db/ltp",
    )
    assert secret not in repr(settings.lines())
    assert line(settings, "LTP_DATABASE_URL")[0] == "postgresql+psycopg://ltp:***@db/ltp"
    assert secret not in repr(settings)


def test_a_child_gets_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = Settings(data_dir=tmp_path / "data", lease_s=8, heartbeat_s=2, admin_key="k" * 32, threads=2)  # type: ignore[arg-type]
    monkeypatch.setenv("LTP_LEASE_S", "77")
    environment = parent.environment()
    for name in list(environment):
        monkeypatch.setenv(name, environment[name])
    child = Settings()
    assert child == parent.model_copy(update={"data_dir": tmp_path / "data"})
    assert child.database == parent.database


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"lease_s": 10, "heartbeat_s": 10}, "outlast two heartbeats"),
        ({"admin_key": "short"}, "32 characters"),
        ({"max_corpus_mb": 10}, "64"),
        ({"port": 70000}, "65535"),
    ],
)
def test_settings_that_would_do_harm_are_refused(values: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Settings(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", ["often", "0/minute", "5/fortnight", "-1/second"])
def test_a_rate_that_is_none_is_named(rate: str) -> None:
    for name in ("rate_limit", "auth_failures"):
        with pytest.raises(ValidationError, match=f"'{rate}' is no rate; write one as 1200/minute"):
            Settings(**{name: rate})  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", ["1200/minute", "5 per 2 hours", "off"])
def test_a_rate_is_written_as_people_say_it(rate: str) -> None:
    assert Settings(rate_limit=rate).rate_limit == rate


@pytest.mark.parametrize(
    ("devices", "read"),
    [("0,1", "cuda:0,cuda:1"), (" cuda:2 , 07", "cuda:2,cuda:7"), ("cpu,cpu", "cpu,cpu"), ("3", "cuda:3")],
)
def test_devices_are_read_as_people_write_them(devices: str, read: str) -> None:
    settings = Settings(devices=devices, device="cpu")
    assert settings.devices == read
    assert settings.job_devices == read.split(",")


def test_without_devices_jobs_compute_on_the_device() -> None:
    assert Settings(device="cuda:1").job_devices == ["cuda:1"]


@pytest.mark.parametrize(
    ("devices", "words"),
    [
        ("0,gpu7", "'gpu7' in '0,gpu7' is no device"),
        ("0,,1", "'' in '0,,1' is no device"),
        ("cpu,0", "'cpu,0' names GPUs and processors"),
        ("0,cuda:0", "names cuda:0 twice"),
        ("0,1000", "'1000' in"),
    ],
)
def test_devices_that_cannot_be_are_named(devices: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Settings(devices=devices)


def test_what_torch_reads_at_its_import_is_set_unless_somebody_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRU_CACHE_CAPACITY", "7")
    monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    environment = Settings().environment()
    assert environment["LRU_CACHE_CAPACITY"] == "7"
    assert environment["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] == "256"
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"
