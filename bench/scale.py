"""Ten thousand languages on one to fifty replicas: how many requests find their adapter ready, by how they are spread.

    python -m bench.scale [--requests 4000]     the simulation, on recorded times
    python -m bench.scale --real    three API processes behind HAProxy, which has to be on the PATH

A simulation of queues and memory, not of arithmetic: what a request takes is what `bench/report.json` recorded for
XLM-R base (line 6: requests of 8 pairs, fused and not; line 7: an adapter from the database). Requests come at random;
a replica answers one after the other, refuses what would wait longer than `MAX_WAIT_S`, and keeps adapters as the
service does: fused from the second use on, those used longest ago leave first. It has no batches and no prefetching.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from statistics import mean, quantiles
from typing import Any, NamedTuple

RECORDED = Path(__file__).with_name("report.json")
LANGUAGES, ZIPF = 10_000, 1.1
REPLICAS = (1, 3, 10, 50)
FUSED_MB, COMPACT_MB = 8192, 16384
"""Memory of a replica for adapters: of a machine of some 32 GB."""
LOAD = 0.5
"""Requests that come, as a share of what the replicas could answer if every adapter were fused."""
MAX_WAIT_S = 10.0
BOUND = 1.5
"""With a bound a replica that has more than this times the mean number of requests hands on what comes."""


class Times(NamedTuple):
    """What a request takes, in seconds, and what an adapter takes, in MB."""

    fused_s: float
    compact_s: float
    fetch_s: float
    fused_mb: float
    compact_mb: float


def recorded(path: Path = RECORDED) -> Times:
    """Read the times of the last benchmark: base, bf16, a ticket of 20 %."""
    rows = {(row["line"], row["name"]): row["detail"] for row in json.loads(path.read_text("utf-8"))}
    fused = rows[6, "throughput, 1x as many adapters in traffic as fit"]["our_runs"]
    compact = rows[6, "throughput, none fused"]["our_runs"]
    cold = rows[7, "cold, SQLite to first answer, bf16 (fused tier full; the ticket's mask in memory)"]["runs"]
    each = fused["compact_mb"] / 4  # of the four adapters in that traffic
    return Times(fused["p50_ms"] / 1e3, compact["p50_ms"] / 1e3, cold["of_it_registry_s"], fused["fused_mb"] / 4, each)


class Memory(OrderedDict[int, None]):
    """Adapters in one form, at most so many; the one used longest ago leaves first."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def use(self, key: int) -> None:
        self[key] = None
        self.move_to_end(key)
        if len(self) > self.most:
            self.popitem(last=False)


@dataclass
class Replica:
    """One API process: what it has in memory, and when it will have answered what it has taken."""

    times: Times
    free_at: float = 0.0
    served: int = 0
    ends: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fused = Memory(int(FUSED_MB / self.times.fused_mb))
        self.compact = Memory(int(COMPACT_MB / self.times.compact_mb))

    def waiting(self, moment: float) -> float:
        """Requests' worth of work that lies before one that comes now."""
        return max(0.0, self.free_at - moment) / self.times.fused_s

    def answer(self, key: int, moment: float) -> tuple[str, float]:
        """Return how the adapter was found, and the seconds until the answer; refuses what would wait too long."""
        begin = max(moment, self.free_at)
        if begin - moment > MAX_WAIT_S:
            return "refused", 0.0
        found = "fused" if key in self.fused else "compact" if key in self.compact else "fetched"
        takes = {"fused": self.times.fused_s, "compact": self.times.compact_s}.get(
            found, self.times.compact_s + self.times.fetch_s
        )
        if found != "fetched":
            self.fused.use(key)
        if found != "fused":
            self.compact.use(key)
        self.free_at, self.served = begin + takes, self.served + 1
        return found, self.free_at - moment


Choice = Callable[[int, float], Replica]


def at_random(replicas: Sequence[Replica], chance: random.Random) -> Choice:
    return lambda _key, _moment: chance.choice(replicas)


def less_busy(replicas: Sequence[Replica], chance: random.Random) -> Choice:
    """Of two at random the one with less to do."""
    return lambda _key, moment: min(chance.choices(replicas, k=2), key=lambda each: each.waiting(moment))


def rendezvous(replicas: Sequence[Replica], _chance: random.Random, *, bound: float = float("inf")) -> Choice:
    """Each adapter has an order of the replicas of its own, and goes to the first that is within the bound."""
    orders: dict[int, list[Replica]] = {}

    def order(key: int) -> list[Replica]:
        def weight(number: int) -> bytes:
            return hashlib.blake2b(f"{key}/{number}".encode(), digest_size=8).digest()

        return [replicas[number] for number in sorted(range(len(replicas)), key=weight, reverse=True)]

    def choose(key: int, moment: float) -> Replica:
        mine = orders.get(key) or orders.setdefault(key, order(key))
        if bound == float("inf") or mine[0].waiting(moment) <= 1:
            return mine[0]
        most = bound * (mean(each.waiting(moment) for each in replicas) + 1 / len(replicas)) + 1
        return next((each for each in mine if each.waiting(moment) <= most), mine[0])

    return choose


def bounded(replicas: Sequence[Replica], chance: random.Random) -> Choice:
    return rendezvous(replicas, chance, bound=BOUND)


POLICIES: dict[str, Callable[[Sequence[Replica], random.Random], Choice]] = {
    "random": at_random,
    "less busy of two": less_busy,
    "by adapter": rendezvous,
    "by adapter, bounded": bounded,
}


def traffic(requests: int, *, rate: float, seed: int = 0) -> Iterator[tuple[int, float]]:
    """Languages and moments: Zipf's law, and a Poisson process of so many a second."""
    chance = random.Random(seed)
    shares = list(accumulate(rank**-ZIPF for rank in range(1, LANGUAGES + 1)))
    moment = 0.0
    for key in chance.choices(range(LANGUAGES), cum_weights=shares, k=requests):
        moment += chance.expovariate(rate)
        yield key, moment


def simulate(policy: str, number: int, times: Times, *, requests: int) -> dict[str, Any]:
    """Send so many requests a replica twice: memories fill with the first half, and the second is counted."""
    replicas = [Replica(times) for _ in range(number)]
    choose = POLICIES[policy](replicas, random.Random(1))
    found, seconds = dict.fromkeys(("fused", "compact", "fetched", "refused"), 0), []
    for index, (key, moment) in enumerate(traffic(2 * requests * number, rate=LOAD * number / times.fused_s)):
        how, took = choose(key, moment).answer(key, moment)
        if index >= requests * number:
            found[how] += 1
            if how != "refused":
                seconds.append(took)
        if index == requests * number - 1:
            for each in replicas:
                each.served = 0
    percentiles = quantiles(seconds, n=100)
    served = [each.served for each in replicas]
    return {
        "replicas": number,
        "spread": policy,
        "fused": found["fused"] / sum(found.values()),
        "in memory": (found["fused"] + found["compact"]) / sum(found.values()),
        "p50_s": percentiles[49],
        "p99_s": percentiles[98],
        "MB a request": times.compact_mb * found["fetched"] / sum(found.values()),
        "refused": found["refused"] / sum(found.values()),
        "busiest": max(served) / mean(served),
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The figures as Markdown."""
    lines = [
        "| replicas | spread | fused | in memory | p50 s | p99 s | MB fetched a request | refused | busiest : mean |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        shares = f"{row['fused']:.1%} | {row['in memory']:.1%} | {row['p50_s']:.2f} | {row['p99_s']:.2f}"
        rest = f"{row['MB a request']:.1f} | {row['refused']:.1%} | {row['busiest']:.2f}"
        lines.append(f"| {row['replicas']} | {row['spread']} | {shares} | {rest} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=4000, help="counted of each replica; as many before")
    parser.add_argument("--real", action="store_true", help="three API processes on this machine instead")
    options = parser.parse_args()
    if options.real:
        from bench.scale_real import main as real

        real()
        return
    times = recorded()
    print({name: round(value, 4) for name, value in times._asdict().items()})
    rows = []
    for number in REPLICAS:
        for policy in POLICIES if number > 1 else ["random"]:
            rows.append(simulate(policy, number, times, requests=options.requests))
            print(rows[-1], flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
