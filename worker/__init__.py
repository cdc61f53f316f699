"""The runner that claims jobs, and the process that executes one. Knows `app` and `ltp`; nothing imports it."""
