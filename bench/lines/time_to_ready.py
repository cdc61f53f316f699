"""Line 4: from `POST /adapters` to a ready adapter of `mini`, over real sockets and in real processes.

What is not training is itemised from what the service itself tells: its clock for the time in the queue, and the
seconds by phase in the adapter's training report. Training is its steps and the scores that choose the best epoch.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from bench.figure import Figure
from bench.lines import Options
from bench.material import pairs, sentences
from bench.side import Measured, run

NUMBER = 4
TITLE = "From POST /adapters to ready, `mini`, 96 examples"
LIMIT_S = 6
EACH, EPOCHS, RUNS = 48, 5, 3
CORPUS = 32
"""Sentences of the ticket's drift, which is not timed: two steps are enough to move every layer."""
TRAINING = ("training", "validating")
POLL_S, TIMEOUT_S = 0.02, 300.0


def figures(options: Options) -> Iterator[Figure]:
    measured = run("bench.lines.time_to_ready:outside_training", data=options.data)
    yield Figure.absolute(
        NUMBER,
        "time outside training",
        "s",
        measured.median,
        goal="at most",
        limit=LIMIT_S,
        runs=measured.summary(),
        peak_rss_mb=None,
    )


def outside_training(data: str | None) -> Measured:
    """Seconds of each of three adapters, made one after the other by a service of its own."""
    from demo.service import running

    ltp = Path(sys.executable).with_name("ltp")
    with tempfile.TemporaryDirectory(prefix="ltp-bench-") as folder:
        data_dir, log = Path(folder) / "data", Path(folder) / "log"
        with running(ltp, data_dir, log) as url, httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
            finished(http, make_ticket(http, sentences(data)[:CORPUS]))
            jobs = [adapter_job(http, data, seed) for seed in range(RUNS)]
    items = {name: sorted(job["items"].get(name, 0.0) for job in jobs)[len(jobs) // 2] for name in jobs[0]["items"]}
    return Measured([job["outside"] for job in jobs], detail={"median_items_s": items, "jobs": jobs})


def make_ticket(http: httpx.Client, texts: list[str]) -> dict[str, Any]:
    body = {"corpus": {"texts": texts}, "mlm": {"epochs": 1, "batch_size": 16, "max_length": 64}}
    return accepted(http.post("/tickets", json=body))


def adapter_job(http: httpx.Client, data: str | None, seed: int) -> dict[str, Any]:
    """Post 48 + 48 pairs, wait, and say where the time went, in seconds."""
    examples = [
        {"premise": premise, "hypothesis": hypothesis, "label": label}
        for premise, hypothesis, label in pairs(data, 2 * EACH, seed=seed)
    ]
    body = {"lang": "en", "examples": examples[:EACH], "dev_examples": examples[EACH:], "training": {"epochs": EPOCHS}}
    began = time.monotonic()
    answer = accepted(http.post("/adapters", json=body))
    job = finished(http, answer)
    total = time.monotonic() - began
    adapter = http.get(f"/adapters/{answer['adapter']['id']}").json()
    phases: dict[str, float] = adapter["training"]["report"]["timings"]
    queued = moment(job["started_at"]) - moment(job["created_at"])
    items = {"queued": queued, **{name: spent for name, spent in phases.items() if name not in TRAINING}}
    outside = total - sum(phases[name] for name in TRAINING)
    items["rest"] = outside - sum(items.values())
    return {"total": total, "outside": outside, "items": items, **{name: phases[name] for name in TRAINING}}


def accepted(response: httpx.Response) -> dict[str, Any]:
    if response.status_code != httpx.codes.ACCEPTED:
        raise RuntimeError(f"the service answered {response.status_code}: {response.text}")
    answer: dict[str, Any] = response.json()
    return answer


def finished(http: httpx.Client, answer: dict[str, Any]) -> dict[str, Any]:
    """Wait for the job to succeed."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        job: dict[str, Any] = http.get(f"/jobs/{answer['job']['id']}").json()
        if job["status"] == "succeeded":
            return job
        if job["status"] in ("failed", "cancelled"):
            raise RuntimeError(f"the job {job['status']}: {job['error']}")
        time.sleep(POLL_S)
    raise RuntimeError(f"the job took longer than {TIMEOUT_S:g} s")


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
