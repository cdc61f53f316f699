"""The database's URL: what people write, as SQLAlchemy reads it, or a sentence that says what is wrong with it.

A path or a password is never spliced into a URL as text: what `?`, `%` or `@` mean there is not what they mean in a
name. No sentence here quotes more than the scheme, since a URL may hold a password.

SQLAlchemy is imported where a URL is read: commands that only ask a service read the settings, too, and need none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

POSTGRES = "postgresql+psycopg"
DRIVERS = {
    "postgres": POSTGRES,
    "postgresql": POSTGRES,
    POSTGRES: POSTGRES,
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
}
"""Schemes as providers, other programs and people write them."""
POOLER = "pooler"
"""The word of a URL that says which pooler is in front of the server."""
PREPARE = "prepare_threshold"
"""psycopg's word: after how many times a statement is prepared, or `none` for never."""
NONE = "none"
NUMBERS = {"connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "port"}
"""Words of a URL that must be whole numbers."""
RIGHT = (
    "write postgresql://USER:PASSWORD@HOST/NAME or sqlite:////PATH, with %40 for @, %2F for / and so on in a password"
)


def url_of_file(path: Path) -> str:
    """Return the URL of a SQLite file, whatever its folders are called."""
    from sqlalchemy.engine import URL

    return text_of(URL.create("sqlite", database=str(path)))


def normalise(text: str) -> str:
    """Return the URL with the driver that is used. Raises ValueError with a sentence."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    scheme, found, _ = text.partition("://")
    if not found:
        raise ValueError(f"this is no URL; {RIGHT}")
    if scheme not in DRIVERS:
        raise ValueError(f"{scheme!r} is no database that can be used here; {RIGHT}")
    try:
        url = make_url(_one_host_at_a_time(text))
    except (ArgumentError, ValueError) as error:
        raise ValueError(f"this is no URL of a database; {RIGHT}") from error
    if DRIVERS[scheme] == "sqlite" and url.host:
        raise ValueError(
            f"{url.host!r} stands where a host would; a SQLite file has none: sqlite:////PATH has four slashes"
        )
    if DRIVERS[scheme] == POSTGRES:
        _check(dict(url.query))
    return text_of(url.set(drivername=DRIVERS[scheme]))


def behind(url: str, pooler: str) -> str:
    """Return the URL with the pooler that is in front of the server. Raises ValueError with a sentence."""
    from sqlalchemy.engine import make_url

    return normalise(text_of(make_url(url).update_query_dict({POOLER: pooler})))


def shown(url: str) -> str:
    """Return the URL for people to see, without its password."""
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True)


def text_of(url: URL) -> str:
    """Return the URL with its password."""
    return url.render_as_string(hide_password=False)


def _check(words: dict[str, Any]) -> None:
    """Raise ValueError for words that neither psycopg nor Postgres' own library takes, or with such a value."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import make_conninfo

    words.pop("host", None)  # may stand several times
    for name, value in words.items():
        if not isinstance(value, str):
            raise ValueError(f"{name!r} stands more than once in it; write it once")
        if name in NUMBERS and not all(part.isdecimal() for part in value.split(",")):
            raise ValueError(f"{name}={value!r} in it must be a whole number")
    threshold = words.pop(PREPARE, NONE)
    if threshold != NONE and not threshold.isdecimal():
        raise ValueError(f"{PREPARE}={threshold!r} in it must be a whole number, or {NONE}")
    if words.pop(POOLER, NONE) != NONE and "options" in words:
        raise ValueError("'options' in it do not reach the server through a pooler; leave them out")
    try:
        make_conninfo(**words)
    except ProgrammingError as error:
        raise ValueError(f"{error} in it") from error


def _one_host_at_a_time(text: str) -> str:
    """Write several hosts, `a:1,b:2`, as SQLAlchemy reads them: `?host=a:1&host=b:2`."""
    parts = urlsplit(text)
    user, at, hosts = parts.netloc.rpartition("@")
    if "," not in hosts:
        return text
    several = "&".join(f"host={host}" for host in hosts.split(","))
    return parts._replace(netloc=user + at, query="&".join(filter(None, (parts.query, several)))).geturl()
