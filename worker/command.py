"""`python -m worker`: a runner a device, and a listener if there is a broker. `--supervised PID`: it ends with that."""

from __future__ import annotations

import argparse
import logging
import os
import signal
from collections.abc import Sequence

from app.jobs.broker import QUEUES
from app.settings import Settings
from app.storage.private import keep_private
from app.telemetry import log_setup
from worker.parent_watch import exit_with_parent
from worker.runners import Runners


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    parser.add_argument("--supervised", type=int, metavar="PID", help="the process to end with")
    parser.add_argument("--queues", default=",".join(QUEUES), help="of: %(default)s")
    options = parser.parse_args(arguments)
    queues = options.queues.split(",")
    if unknown := set(queues) - set(QUEUES):
        parser.error(f"no such queue: {', '.join(sorted(unknown))}; there are {', '.join(QUEUES)}")
    settings = Settings()
    log_setup.configure(settings)
    keep_private(settings.work, settings.spool)
    # the lock on the data directory proves that no other runner is there, if the database is the one inside it
    alone = options.supervised is not None and not settings.database_url
    said = options.supervised is not None  # by the process beside it
    runners = Runners(settings, alone=alone, kinds=[QUEUES[queue] for queue in queues], say=not said)
    if options.supervised is not None:
        exit_with_parent(options.supervised, on_input=runners.wake)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: runners.stop())
    if settings.redis_url is None:
        runners.run()
        return 0
    from worker.listener import Listener

    def wake(_job_id: str) -> None:
        runners.wake()

    url = settings.redis_url.get_secret_value()
    listener = Listener(url, name=runners.id, queues=queues, wake=wake, free=lambda: runners.free)
    listener.start()
    runners.run()
    listener.stop()
    logging.shutdown()
    os._exit(0)  # the thread may be waiting for Redis, or hold a lock that the interpreter wants at its end
