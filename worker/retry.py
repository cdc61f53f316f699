"""Trying again while the database, or the store of contents, is away for a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from app.storage.circuit_breaker import UNREACHABLE
from app.storage.disk_full import is_storage_full
from app.storage.object_store import BlobStoreUnavailable

RETRY_S = 1.0
"""Pause before what failed is asked again."""

Result = TypeVar("Result")


def retry_while_unreachable(act: Callable[[], Result], *, for_s: float) -> Result:
    """Call `act` again and again while database or store do not answer; raise its error after `for_s` seconds.

    A transaction may have been committed although its answer got lost: `act` must stand its repetition.
    """
    retrying = Retrying(
        retry=retry_if_exception(_passes),
        stop=stop_after_delay(for_s),
        wait=wait_fixed(min(RETRY_S, for_s / 5)),
        reraise=True,
    )
    return retrying(act)


def _passes(error: BaseException) -> bool:
    return isinstance(error, (*UNREACHABLE, BlobStoreUnavailable)) and not is_storage_full(error)
