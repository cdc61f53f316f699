"""The root of what the service answers, and how an answer is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ltp_client.http_answers import malformed

SECRETS = frozenset({"secret"})
"""Fields that let in whoever reads them."""


class Record(BaseModel):
    """What the service says. Fields that this release does not know are kept as they came."""

    model_config = ConfigDict(
        extra="allow", use_attribute_docstrings=True, populate_by_name=True, protected_namespaces=(), defer_build=True
    )

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """What `repr` and logs show: a key or a secret, which is told once, is read as an attribute alone."""
        for name, value in super().__repr_args__():
            yield name, ("..." if name in SECRETS and value else value)


Kind = TypeVar("Kind", bound=Record)


def read(kind: type[Kind], document: Any) -> Kind:
    """What the service said, as its class. Raises NotAService where it is something else."""
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise malformed(f"{kind.__name__}.{'.'.join(map(str, first['loc']))}", first["msg"]) from error
