"""What must hold of the deployment that was rehearsed. Each check returns what it saw, or raises `Failed`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import redis

from deploy.rehearse.container import Container, Failed
from deploy.rehearse.rehearsal import Rehearsal

GUARDED = ("/jobs", "/tickets", "/adapters", "/languages", "/workers", "/metrics", "/keys")
SAME = 1e-4
"""Probabilities of two replicas may differ by so much: batches are made up differently."""


def keys_are_required(apis: list[Container]) -> str:
    """No replica answers without a key, or to a wrong one."""
    for api in apis:
        for headers in ({}, {"Authorization": "Bearer ltp_" + 43 * "x"}):
            with httpx.Client(base_url=api.url, headers=headers, trust_env=False) as http:
                answers = {path: http.get(path).status_code for path in GUARDED}
            if set(answers.values()) != {401}:
                raise Failed(f"{api.name} answers without a valid key: {answers}")
    return f"{len(apis)} replicas, {len(GUARDED)} paths each, without and with a wrong key: 401 throughout"


def create_key(api: Container, admin_key: str, *, tenant: str, scopes: Sequence[str]) -> str:
    """Make a tenant's key with `ltp key create`, as its operator does, and return it."""
    command = [str(Path(sys.executable).with_name("ltp")), "key", "create", "rehearsal", "--tenant", tenant]
    environment = os.environ | {"LTP_URL": api.url, "LTP_API_KEY": admin_key}
    command += [word for scope in scopes for word in ("--scope", scope)]
    done = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"ltp key create failed: {done.stdout}{done.stderr}")
    secret: str = json.loads(done.stdout)["secret"]
    return secret


def replicas_agree(apis: list[Container], key: str, body: dict[str, Any]) -> str:
    """Every replica answers a prediction, and all say the same."""
    answers = []
    for api in apis:
        with httpx.Client(base_url=api.url, headers={"Authorization": f"Bearer {key}"}, trust_env=False) as http:
            answer = http.post("/predict", json=body, timeout=60)
        if answer.is_error:
            raise Failed(f"{api.name} answers {answer.status_code}: {answer.text}")
        answers.append([each["probabilities"] for each in answer.json()["predictions"]])
    first, *others = answers
    apart = max(
        (
            abs(one[label] - each[label])
            for other in others
            for one, each in zip(first, other, strict=True)
            for label in one
        ),
        default=0.0,
    )
    if apart > SAME:
        raise Failed(f"replicas differ by {apart:.2g} in a probability: {answers}")
    return f"{len(body['pairs'])} pairs by each of {len(apis)} replicas, probabilities at most {apart:.1g} apart"


def workers_are_heard(api: Container, admin_key: str, *, least: int) -> str:
    """As many workers as were started are in the list."""
    with httpx.Client(base_url=api.url, headers={"Authorization": f"Bearer {admin_key}"}, trust_env=False) as http:
        items = http.get("/workers").raise_for_status().json()["items"]
    if len(items) < least:
        raise Failed(f"{len(items)} workers are heard of {least}")
    return f"{len(items)} of {least} workers heard, on {', '.join(sorted({item['device'] for item in items}))}"


def redis_is_as_told(container: Container) -> str:
    """Redis keeps what it is told, wants its password, and shows it on no command line."""
    password = container.environment["REDISCLI_AUTH"]
    wanted = {"appendonly": "yes", "maxmemory-policy": "noeviction", "requirepass": password}
    with redis.Redis(port=container.place.port, password=password, decode_responses=True) as client:
        configured = {name: client.config_get(name).get(name) for name in wanted}
    if configured != wanted:
        raise Failed(f"Redis is not configured as the Compose file says: {sorted(configured)} differ")
    with redis.Redis(port=container.place.port) as unknown:
        try:
            unknown.ping()
        except redis.AuthenticationError:
            return "append-only file, noeviction, and no answer without the password"
    raise Failed("Redis answers without a password")


def workers_are_woken(container: Container) -> str:
    """The API sends messages through Redis, and the workers ask for them."""
    password = container.environment["REDISCLI_AUTH"]
    with redis.Redis(port=container.place.port, password=password, decode_responses=True) as client:
        calls = {name: figures["calls"] for name, figures in client.info("commandstats").items()}
    sent, asked = calls.get("cmdstat_lpush", 0), calls.get("cmdstat_brpop", 0)
    if not sent or not asked:
        raise Failed(f"{sent} messages were sent to workers, which asked for them {asked} times")
    return f"{sent} messages woke workers"


def no_secret_on_a_command_line(rehearsal: Rehearsal, secrets: list[str]) -> str:
    """No process of the rehearsal shows a secret in the list of processes."""
    shown = 0
    for containers in rehearsal.containers.values():
        for container in containers:
            for line in container.command_lines():
                shown += 1
                if any(secret in line for secret in secrets):
                    raise Failed(f"a process of {container.name} has a secret on its command line")
    return f"{shown} command lines looked at"
