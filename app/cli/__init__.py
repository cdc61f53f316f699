"""The command line, `ltp`: local commands start and prepare things, client commands speak HTTP to a running service.

Start-up is quick because a command's module imports what it works with inside its functions; `ltp --help` loads typer
and nothing of the service.
"""

import sys

from app.namesake import refuse_namesake


def main() -> None:
    """Run the program; exit code 0 when it did what was asked, 1 when it failed, 2 when it was asked wrongly."""
    try:
        refuse_namesake()
        from app.cli.streams import standard_streams

        with standard_streams():
            from app.cli.program import root

            root()
    except KeyboardInterrupt:  # before a command has begun, or while it ends
        sys.exit(130)
