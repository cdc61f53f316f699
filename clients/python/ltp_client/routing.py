"""The header by which a proxy sends requests for one adapter to the same replica, where it is in memory already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

HEADER = "X-LTP-Adapter"


def routing(body: Mapping[str, Any]) -> dict[str, str]:
    """The header for a request of `POST /predict`: what most of its pairs name, as they name it; none for no name.

    A proxy hashes it and looks at nothing else. Of several that are named equally often it is the first.
    """
    shared = body.get("adapter") or body.get("lang")
    named = Counter(pair.get("adapter") or pair.get("lang") or shared for pair in body.get("pairs", ()))
    most = next(iter(named.most_common(1)), (shared, 0))[0]
    is_sent = isinstance(most, str) and most.isascii() and most.isprintable() and most.strip() == most != ""
    return {HEADER: str(most)} if is_sent else {}
