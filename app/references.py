"""Which adapter judges: a request's or a pair's own reference, or the fallback where the language has none."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.errors import NoAdapterForLanguage
from app.models import Adapter
from app.registry import aliases
from app.schemas.predictions import Addressed


@dataclass(frozen=True)
class Chosen:
    """An adapter, and whether it stands in for a language without one."""

    adapter: Adapter
    fallback: bool


def resolve(session: Session, *, tenant: str, addressed: Addressed, fallback: str | None) -> Chosen:
    """Return the adapter that something with `lang` or `adapter` names.

    Raises:
        NoAdapterForLanguage: the language has none, and there is no fallback.
        AdapterNotFound: a version, alias or id that is not there; a fallback does not hide that.
    """
    if addressed.reference is None:
        raise ValueError("the schema lets nothing through that names no adapter")
    try:
        return Chosen(aliases.resolve_adapter(session, tenant=tenant, reference=addressed.reference), fallback=False)
    except NoAdapterForLanguage:
        if fallback is None:
            raise
    return Chosen(aliases.resolve_adapter(session, tenant=tenant, reference=fallback), fallback=True)
