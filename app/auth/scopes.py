"""What a key may do: the scope that each route needs, declared on the route and read by the documentation.

A route names its scope in the decorator, which comes first: of a request that may not be sent nothing is read.
"""

# No `from __future__ import annotations`: FastAPI resolves the annotations of a callable object as they are.
from typing import Any

from fastapi import Depends

from app.auth.caller import CallerDep, Scope
from app.errors import DatabaseUnavailable, Forbidden


class RequireScopes:
    """Dependency that lets a caller with any of `scopes` through; `offline`, also one believed from memory."""

    def __init__(self, *scopes: Scope, offline: bool = False) -> None:
        self.scopes, self.offline = scopes, offline

    async def __call__(self, caller: CallerDep) -> None:
        """Check one caller.

        Raises:
            Forbidden: it has none of the scopes.
            DatabaseUnavailable: the database is down, and the route cannot do without it.
        """
        if not caller.scopes.intersection(self.scopes):
            has = ", ".join(sorted(caller.scopes)) or "none"
            raise Forbidden(f"this needs a key with scope {' or '.join(self.scopes)}; yours has {has}")
        if not (caller.confirmed or self.offline):
            raise DatabaseUnavailable


def _needs(*scopes: Scope, offline: bool = False) -> Any:
    return Depends(RequireScopes(*scopes, offline=offline))


READ = _needs("read")
PREDICT = _needs("predict")
PREDICT_OFFLINE = _needs("predict", offline=True)
"""For predictions at once, which go on for a while without the database."""
TRAIN = _needs("train")
ADMIN = _needs("admin")
FOLLOW = _needs("read", "predict", "train")
"""Jobs can be followed with any scope that may start work."""
