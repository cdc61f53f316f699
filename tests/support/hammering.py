"""Clients of one tenant that get in each other's way on purpose, and what each of their requests was answered.

All send the same few texts, move the same alias, and delete what others have just made or are about to use. `Record`
knows which deletions were begun when, so that a 404 can be told from a false one.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

LANG = "sw"
"""Has a production adapter at any time."""
OTHERS = ("ha", "yo")
LABELS = ("entailment", "neutral", "contradiction")
TEXTS = 2
"""So few that the same text is sent again while it is being erased."""
PAIR = {"premise": "the dog runs", "hypothesis": "the dog is red"}
FINE = {200, 201, 202, 204, 404, 409, 429}
"""What these requests may be answered: 429 says that too many jobs wait. A 404 must be true."""


@dataclass
class Record:
    """What was answered, what is there to be used, and what somebody has begun to delete."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    cancelled: set[str] = field(default_factory=set)
    known: dict[str, list[str]] = field(default_factory=dict)
    versions: list[tuple[int, str]] = field(default_factory=list)
    _doomed: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, act: str, response: httpx.Response, *named: str) -> None:
        """Count an answer, and keep what should not have been answered; `named` is what the request refers to."""
        answered = time.monotonic()
        with self._lock:
            self.answers[act, response.status_code] += 1
            if response.status_code == 404 and any(self._doomed.get(name, answered) < answered for name in named):
                return
            if response.status_code not in FINE or response.status_code == 404 or "no_ticket" in response.text:
                self.faults.append(f"{act} {response.status_code} {response.text[:200]}")

    def dooms(self, identifier: str) -> None:
        """Note that a deletion begins."""
        with self._lock:
            self._doomed.setdefault(identifier, time.monotonic())

    def learn(self, kind: str, identifier: str) -> None:
        """Note something that others may use, or delete."""
        with self._lock:
            self.known.setdefault(kind, []).append(identifier)

    def one(self, kind: str, chance: random.Random) -> str | None:
        """Return one of the newest of a kind."""
        with self._lock:
            found = self.known.get(kind, ())[-12:]
        return chance.choice(found) if found else None


class Client(threading.Thread):
    """One of several that do the same things in an order of its own until `stop`."""

    def __init__(
        self, url: str, record: Record, stop: threading.Event, *, seed: int, exported: Sequence[bytes]
    ) -> None:
        super().__init__(name=f"client-{seed}", daemon=True)
        self.http = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self.record, self.stop, self.random, self.exported = record, stop, random.Random(seed), exported

    def run(self) -> None:
        acts: dict[Callable[[], object], int] = {
            self.train_and_delete: 10,
            self.bring_in_and_delete: 10,
            self.train: 3,
            self.make_ticket: 1,
            self.select_ticket: 2,
            self.judge_file: 4,
            self.cancel: 8,
            self.delete: 8,
            self.bring_in: 4,
            self.move_alias: 4,
            self.predict: 4,
            self.look: 2,
        }
        choices, weights = list(acts), list(acts.values())
        while not self.stop.is_set():
            try:
                self.random.choices(choices, weights)[0]()
            except httpx.HTTPError as error:
                self.record.faults.append(f"no answer: {error!r}")

    def train_and_delete(self) -> None:
        """What another client is about to refer to: the same text, and a ticket."""
        job = self.train()
        if job is not None:
            self._cancel(job["id"])
            self._erase("adapters", job["resource"]["id"])

    def bring_in_and_delete(self) -> None:
        """What another client is about to find by its hash."""
        adapter = self.bring_in(lang=self.random.choice(OTHERS))
        if adapter is not None:
            self._erase("adapters", adapter["id"])
            self._erase("tickets", adapter["ticket"])

    def train(self) -> dict[str, Any] | None:
        number, ticket = self.random.randrange(TEXTS), self.record.one("tickets", self.random)
        examples = [
            {"premise": f"the {who} {number}", "hypothesis": f"the {label}", "label": label}
            for who in ("dog", "cat", "horse")
            for label in LABELS
        ]
        body: dict[str, Any] = {"lang": self.random.choice(OTHERS), "examples": examples, "training": {"epochs": 1}}
        choice = self.random.randrange(3)
        if choice == 0:
            body["method"] = "pt"
        elif choice == 1 and ticket is not None:
            body["ticket"] = ticket
        return self._submit("train", "/adapters", "adapters", body.get("ticket", ""), json=body)

    def make_ticket(self) -> None:
        texts = [f"the dog number {self.random.randrange(2)} {line}" for line in ("runs", "eats", "sleeps", "sings")]
        body = {"corpus": {"texts": texts}, "mlm": {"epochs": 1, "batch_size": 2}, "active_ratio": 0.3}
        self._submit("ticket", "/tickets", "tickets", json=body)

    def select_ticket(self) -> None:
        drifts = [row for row in self.http.get("/drifts").json()["items"] if row["status"] == "ready"]
        if drifts:
            drift = self.random.choice(drifts)["id"]
            self.record.learn("drifts", drift)
            self._submit("select", "/tickets", "tickets", drift, json={"drift": drift, "active_ratio": 0.2})

    def judge_file(self) -> None:
        named = [name for name in (self.record.one("adapters", self.random) for _ in range(2)) if name]
        ready = [name for name in named if self.http.get(f"/adapters/{name}").json().get("status") == "ready"]
        rows = [{**PAIR, "premise": f"the cat {self.random.randrange(TEXTS)}"}, {**PAIR, "lang": LANG}]
        rows += [{**PAIR, "adapter": name} for name in ready]
        file = ("rows.jsonl", "\n".join(map(json.dumps, rows)))
        files = {"file": file, "request": (None, json.dumps({"lang": LANG}))}
        self._submit("file", "/predictions", "predictions", *ready, files=files)

    def cancel(self) -> None:
        job = self.record.one("jobs", self.random)
        if job is not None:
            self._cancel(job)

    def delete(self) -> None:
        kind = self.random.choices(["adapters", "tickets", "drifts", "predictions"], [6, 4, 1, 2])[0]
        identifier = self.record.one(kind, self.random)
        if identifier is not None:
            self._erase(kind, identifier)

    def bring_in(self, *, lang: str = LANG) -> dict[str, Any] | None:
        """Import: into the language that is served, where the others move the alias, or into another one."""
        files = {"file": ("exported", self.random.choice(self.exported)), "request": (None, json.dumps({"lang": lang}))}
        response = self.http.post("/adapters/import", files=files)
        self.record.note("import", response)
        if response.status_code != 201:
            return None
        adapter: dict[str, Any] = response.json()
        self.record.learn("adapters", adapter["id"])
        self.record.learn("tickets", adapter["ticket"])
        if lang == LANG:
            self.record.versions.append((adapter["version"], adapter["id"]))
        return adapter

    def move_alias(self) -> None:
        if self.record.versions:
            version, adapter = self.random.choice(self.record.versions[-6:])
            response = self.http.put(f"/languages/{LANG}/aliases/production", json={"version": version})
            self.record.note("alias", response, adapter)

    def predict(self) -> None:
        """By name mostly: it means some adapter at any time, whichever are being deleted."""
        adapter = self.record.one("adapters", self.random) if self.random.random() < 0.2 else None
        if adapter is None or self.http.get(f"/adapters/{adapter}").json().get("status") == "ready":
            reference = {"lang": LANG} if adapter is None else {"adapter": adapter}
            self.record.note("predict", self.http.post("/predict", json={**reference, "pairs": [PAIR]}), adapter or "")

    def look(self) -> None:
        adapter = self.record.one("adapters", self.random)
        if adapter is not None:
            what = self.random.choice(("", "/export"))
            self.record.note(f"look{what}", self.http.get(f"/adapters/{adapter}{what}"), adapter)

    def _cancel(self, job_id: str) -> None:
        response = self.http.post(f"/jobs/{job_id}/cancel")
        if response.is_success:
            self.record.cancelled.add(job_id)
        self.record.note("cancel", response)

    def _erase(self, kind: str, identifier: str) -> None:
        self.record.dooms(identifier)
        self.record.note(f"delete {kind}", self.http.delete(f"/{kind}/{identifier}"), identifier)

    def _submit(self, act: str, path: str, kind: str, *named: str, **request: Any) -> dict[str, Any] | None:
        response = self.http.post(path, **request)
        self.record.note(act, response, *named)
        if response.status_code != 202:
            return None
        job: dict[str, Any] = response.json()["job"]
        self.record.accepted.append(job["id"])
        self.record.learn("jobs", job["id"])
        self.record.learn(kind, job["resource"]["id"])
        return job
