"""`python -m ltp.export`: one export, in a process of its own, whose memory is the system's again when it is done.

The order comes as JSON on standard input (`ltp.export.order`). Standard output stays empty, or says in JSON the error's
class and its sentence; the exit code is then 1.
"""

from __future__ import annotations

import json
import sys

from ltp.errors import LTPError
from ltp.export.order import Order, carry_out


def main() -> int:
    """Read the order, and do it."""
    try:
        carry_out(Order(**json.load(sys.stdin)))
    except LTPError as error:
        told = {"error": type(error).__name__, "detail": str(error)}
        sys.stdout.write(json.dumps(told, allow_nan=False))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
