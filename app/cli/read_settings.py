"""The settings as commands read them: each command those it needs, and a fault of the environment as a `Failure`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from app.cli.failure import Failure

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings

    from app.settings import CacheSettings, ClientSettings, Settings

Kind = TypeVar("Kind", bound="BaseSettings")


def client_settings() -> ClientSettings:
    """Where the service is, and the key to show it."""
    from app.settings import ClientSettings

    return _read(ClientSettings)


def cache_settings() -> CacheSettings:
    """Where backbones are kept."""
    from app.settings import CacheSettings

    return _read(CacheSettings)


def settings_of(**given: Any) -> Settings:
    """Every setting, with what was given on the command line."""
    from app.settings import Settings

    return _read(Settings, **given)


def _read(kind: type[Kind], **given: Any) -> Kind:
    """Raises Failure for a `.env` that is no text; pydantic's ValidationError for values that cannot be."""
    try:
        return kind(**{name: value for name, value in given.items() if value is not None})
    except UnicodeDecodeError as error:
        detail = f"the file .env in this folder is not UTF-8 text (byte {error.start}); save it as UTF-8"
        raise Failure("invalid_settings", detail) from error
