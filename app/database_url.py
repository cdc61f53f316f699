"""The database's URL: what people write, as SQLAlchemy reads it, or a sentence that says what is wrong with it.

A path or a password is never spliced into a URL as text: what `?`, `%` or `@` mean there is not what they mean in a
name. No sentence here quotes more than the scheme, since a URL may hold a password.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

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
RIGHT = (
    "write postgresql://USER:PASSWORD@HOST/NAME or sqlite:////PATH, with %40 for @, %2F for / and so on in a password"
)


def url_of_file(path: Path) -> str:
    """Return the URL of a SQLite file, whatever its folders are called."""
    return text_of(URL.create("sqlite", database=str(path)))


def normalise(text: str) -> str:
    """Return the URL with the driver that is used. Raises ValueError with a sentence."""
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
    return text_of(url.set(drivername=DRIVERS[scheme]))


def behind(url: str, pooler: str) -> str:
    """Return the URL with the pooler that is in front of the server."""
    return text_of(make_url(url).update_query_dict({POOLER: pooler}))


def shown(url: str) -> str:
    """Return the URL for people to see, without its password."""
    return make_url(url).render_as_string(hide_password=True)


def text_of(url: URL) -> str:
    """Return the URL with its password."""
    return url.render_as_string(hide_password=False)


def _one_host_at_a_time(text: str) -> str:
    """Write several hosts, `a:1,b:2`, as SQLAlchemy reads them: `?host=a:1&host=b:2`."""
    parts = urlsplit(text)
    user, at, hosts = parts.netloc.rpartition("@")
    if "," not in hosts:
        return text
    several = "&".join(f"host={host}" for host in hosts.split(","))
    return parts._replace(netloc=user + at, query="&".join(filter(None, (parts.query, several)))).geturl()
