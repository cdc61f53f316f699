"""Watches a process from outside until its own standard input ends: memory, and the latency of `GET /healthz`.

    python -m bench.process_monitor URL PID

Prints one JSON object: the memory at the start and the most seen since (MB, all and without pages of files), and the
latencies in milliseconds. A process of its own, so that a busy client does not count as a slow service.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import threading
import time
from pathlib import Path

import httpx

MEMORY_EVERY_S, PROBE_EVERY_S = 0.01, 0.02


def memory(pid: int) -> tuple[float, float]:
    """Megabytes of a process: all, and without pages that belong to files."""
    text = Path(f"/proc/{pid}/status").read_text()
    fields = dict(re.findall(r"(VmRSS|RssAnon):\s+(\d+) kB", text))
    return int(fields["VmRSS"]) / 1000, int(fields["RssAnon"]) / 1000


def main() -> None:
    url, pid = sys.argv[1], int(sys.argv[2])
    idle, over = memory(pid), threading.Event()
    most, latencies = list(idle), list[float]()

    def sample_memory() -> None:
        while not over.wait(MEMORY_EVERY_S):
            most[:] = [max(pair) for pair in zip(most, memory(pid), strict=True)]

    def probe() -> None:
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            while not over.wait(PROBE_EVERY_S):
                began = time.monotonic()
                assert client.get("/healthz").status_code == 200
                latencies.append(1000 * (time.monotonic() - began))

    threads = [threading.Thread(target=sample_memory), threading.Thread(target=probe)]
    for thread in threads:
        thread.start()
    print("watching", flush=True)
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()
    centiles = statistics.quantiles(latencies, n=100)
    healthz = {"p50": centiles[49], "p99": centiles[98], "max": max(latencies), "probes": len(latencies)}
    print(json.dumps({"idle_mb": idle, "most_mb": most, "healthz_ms": healthz}))


if __name__ == "__main__":
    main()
