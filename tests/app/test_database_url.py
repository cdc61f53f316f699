"""What people write as the database's URL, and data directories of any name."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.engine import make_url

from app.database_url import normalise, shown, url_of_file
from app.settings import Settings
from app.storage.backup import back_up, restore
from app.storage.data_dir import locked
from app.storage.database import Database
from app.storage.errors import DataDirInUse

NAMES = [
    "fifty%20percent",
    "who?what",
    "survey?batch=1",
    "a#b",
    "semi;colon",
    "quote'\"s",
    "two  spaces ",
    "資料",
    "Ọmọ náà",
    "100%",
    "%(here)s",
    "${HOME}",
    "a@b:c",
    "back\\slash",
    "new\nline",
]


def settings_of(directory: Path, **changes: str) -> Settings:
    return Settings(_env_file=None, data_dir=directory, **changes)  # type: ignore[call-arg, arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_a_data_directory_of_any_name_keeps_its_database_inside(name: str, tmp_path: Path) -> None:
    settings = settings_of(tmp_path / name)
    db = Database(settings.database)
    db.migrate()
    with db.read() as session:
        file = session.execute(text("SELECT file FROM pragma_database_list WHERE name = 'main'")).scalar_one()
    db.close()
    assert Path(file) == tmp_path / name / "ltp.sqlite3"
    back_up(settings, tmp_path / name / "copy")
    assert restore(settings, tmp_path / name / "copy") is not None
    assert [folder.name for folder in tmp_path.iterdir()] == [name], "nothing lands beside it"


@pytest.mark.parametrize("name", NAMES)
def test_a_child_process_finds_the_same_database(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / name / "elsewhere.sqlite3"
    for settings in (settings_of(tmp_path / name), settings_of(tmp_path, database_url=url_of_file(file))):
        for variable, value in settings.environment().items():
            monkeypatch.setenv(variable, value)
        child = Settings(_env_file=None)  # type: ignore[call-arg]
        assert child.database == settings.database
        assert make_url(child.database).database in {str(file), str(tmp_path / name / "ltp.sqlite3")}


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="not UTF-8"):
        settings_of(tmp_path / "caf\udce9")


def test_the_lock_guards_the_database_wherever_it_is(tmp_path: Path) -> None:
    shared = {"database_url": url_of_file(tmp_path / "shared?.sqlite3")}
    with (
        locked(settings_of(tmp_path / "one", **shared)),
        locked(settings_of(tmp_path / "three")),
        pytest.raises(DataDirInUse, match=r"shared\?\.sqlite3"),
        locked(settings_of(tmp_path / "two", **shared)),
    ):
        pass
    with locked(settings_of(tmp_path / "two", **shared)):
        pass


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("postgres://u:p%40ss@h/d", "postgresql+psycopg://u:p%40ss@h/d"),
        ("postgresql://u@h:5433/d?sslmode=require", "postgresql+psycopg://u@h:5433/d?sslmode=require"),
        ("postgresql+psycopg:///d?host=%2Frun", "postgresql+psycopg:///d?host=%2Frun"),
        ("postgresql://u@a:1,b:2/d", "postgresql+psycopg://u@/d?host=a%3A1&host=b%3A2"),
        ("postgres://u@a,b/d?connect_timeout=3", "postgresql+psycopg://u@/d?connect_timeout=3&host=a&host=b"),
        ("sqlite:////var/lib/ltp.sqlite3", "sqlite:////var/lib/ltp.sqlite3"),
    ],
)
def test_a_url_is_taken_as_others_write_it(written: str, taken: str, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, database_url=written)
    assert settings.database == taken
    assert normalise(taken) == taken


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("not a url, se/cret", "no URL"),
        ("mysql://u:se/cret@h/d", "'mysql' is no database"),
        ("postgresql+asyncpg://u:se/cret@h/d", "'postgresql+asyncpg' is no database"),
        ("postgresql://u:se/cret@h:port/d", "no URL of a database"),
        ("sqlite://var/lib/se/cret", "four slashes"),
    ],
)
def test_what_is_no_url_is_refused_in_a_sentence_that_keeps_the_password(
    written: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(ValidationError) as refused:
        settings_of(tmp_path, database_url=written)
    assert says in str(refused.value)
    assert "cret" not in str(refused.value)


def test_a_password_is_not_shown() -> None:
    assert shown("postgresql+psycopg://u:secret@h/d") == "postgresql+psycopg://u:***@h/d"


def test_a_pooler_before_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="DATABASE_POOLER speaks of Postgres"):
        settings_of(tmp_path, database_pooler="transaction")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("prepare_threshold=soon", "prepare_threshold='soon'"),
        ("prepare_threshold=-1", "prepare_threshold='-1'"),
        ("connect_timeout=5s", "connect_timeout='5s'"),
        ("conect_timeout=5", "conect_timeout"),
        ("autocommit=true", "autocommit"),
        ("connect_timeout=1&connect_timeout=2", "more than once"),
        ("pooler=transaction&options=-c%20x=1", "'options'"),
    ],
)
def test_words_of_a_url_that_mean_nothing_are_named(words: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=says) as refused:
        settings_of(tmp_path, database_url=f"postgresql+psycopg://u:secret@127.0.0.1/d?{words}")
    assert "secret" not in str(refused.value)


def test_options_and_a_pooler_do_not_go_together(tmp_path: Path) -> None:
    url = "postgresql://u:secret@127.0.0.1/d?options=-c%20x%3D1"
    with pytest.raises(ValidationError, match="do not reach the server through a pooler"):
        settings_of(tmp_path, database_url=url, database_pooler="transaction")
