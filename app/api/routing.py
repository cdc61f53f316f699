"""What a proxy may route predictions by: the header that clients send with them, and that the answer tells.

The service itself does not read it: whichever replica gets a request answers it.
"""

from __future__ import annotations

from collections import Counter

from app.api.schemas.predictions import PredictRequest

HEADER = "X-LTP-Adapter"


def routing(request: PredictRequest) -> dict[str, str]:
    """The header: what most pairs name, `sw`, `sw@2` or an id; of several that are named equally often the first."""
    named = Counter(pair.reference or request.reference for pair in request.pairs)
    return {HEADER: str(named.most_common(1)[0][0])}
