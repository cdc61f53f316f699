"""`python -m worker`: the command, once it is known that what it will import as `ltp` is this project's package."""

import sys

from app.namesake import refuse_namesake

if __name__ == "__main__":
    refuse_namesake()
    from app.cli.foreseen import expected, explained
    from worker.command import main

    try:
        sys.exit(main())
    except expected() as error:
        sys.exit(f"error: {explained(error).detail}")
