"""`ltp reproduce`. Imports nothing, so that `ltp --help` stays quick; `command` is the command."""
