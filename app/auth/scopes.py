"""What a key may do: the scope that each route needs, declared on the route and read by the documentation.

A route names its scope in the decorator, which comes first: of a request that may not be sent nothing is read.
"""

# No `from __future__ import annotations`: FastAPI resolves the annotations of a callable object as they are.
from typing import Any

from fastapi import Depends, Request

from app.auth.caller import CallerDep, Scope, confirm
from app.errors import DatabaseUnavailable, Forbidden


class RequireScopes:
    """Dependency that lets a caller with any of `scopes` through.

    With `offline` also one that is believed from memory while the database is down; with `fresh` only one whose key
    the database says is valid this moment.
    """

    def __init__(self, *scopes: Scope, offline: bool = False, fresh: bool = False) -> None:
        self.scopes, self.offline, self.fresh = scopes, offline, fresh

    async def __call__(self, request: Request, caller: CallerDep) -> None:
        """Check one caller.

        Raises:
            Forbidden: it has none of the scopes.
            Unauthorized: its key was revoked just now.
            DatabaseUnavailable: the database is down, and the route cannot do without it.
        """
        if not caller.scopes.intersection(self.scopes):
            has = ", ".join(sorted(caller.scopes)) or "none"
            raise Forbidden(f"this needs a key with scope {' or '.join(self.scopes)}; yours has {has}")
        if not (caller.confirmed or self.offline):
            raise DatabaseUnavailable
        if self.fresh:
            await confirm(request)


def _needs(*scopes: Scope, offline: bool = False, fresh: bool = False) -> Any:
    return Depends(RequireScopes(*scopes, offline=offline, fresh=fresh))


READ = _needs("read")
PREDICT = _needs("predict")
PREDICT_OFFLINE = _needs("predict", offline=True)
"""For predictions at once, which go on for a while without the database."""
TRAIN = _needs("train")
UPLOAD = _needs("predict", "train")
"""Files can be looked at with any scope that may send some."""
ADMIN = _needs("admin", fresh=True)
"""For what decides who may do what: a revoked key must not, on any replica, make itself another one."""
FIGURES = _needs("admin")
"""For what changes nothing and is read every few seconds."""
READ_OR_TRAIN = _needs("read", "train")
"""For what is asked before something is trained."""
ANY = _needs("read", "predict", "train", "admin", offline=True)
"""For what is about the key itself."""
FOLLOW = _needs("read", "predict", "train")
"""Jobs can be followed with any scope that may start work."""
