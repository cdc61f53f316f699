"""`python -m worker`: a runner. With `--supervised PID`, as `ltp serve` starts it, it ends with that process."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence

from app import logs
from app.jobs.queue import KINDS
from app.settings import Settings
from worker.guard import die_with
from worker.runner import Runner

QUEUES = {f"{kind}s": kind for kind in KINDS}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    parser.add_argument("--supervised", type=int, metavar="PID", help="the process to end with")
    parser.add_argument("--queues", default=",".join(QUEUES), help="of: %(default)s")
    options = parser.parse_args(arguments)
    queues = options.queues.split(",")
    if unknown := set(queues) - set(QUEUES):
        parser.error(f"no such queue: {', '.join(sorted(unknown))}; there are {', '.join(QUEUES)}")
    if options.supervised is not None:
        die_with(options.supervised)
    settings = Settings()
    logs.configure(settings)
    # the lock on the data directory proves that nobody else runs jobs, if the database is the one inside it
    alone = options.supervised is not None and not settings.database_url
    runner = Runner(settings, alone=alone, kinds=[QUEUES[queue] for queue in queues])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: runner.stop())
    runner.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
