"""The command line, `ltp`: local commands start and prepare things, client commands speak HTTP to a running service.

Start-up is quick because a command's module imports what it works with inside its functions; `ltp --help` loads typer
and nothing of the service.
"""

from app.cli.program import main

__all__ = ["main"]
