"""`ltp job`: long work that the service has accepted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import typer

from app.cli.command import Json, Key, Url, service_session
from app.cli.output import age, clock, key_values, table

group = typer.Typer(help="Jobs: long work that the service has accepted.", no_args_is_help=True)

Job = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.", show_default=False)]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many, newest first.")]


@group.command("list")
def list_jobs(
    *,
    status: Annotated[Literal["queued", "running", "succeeded", "failed", "cancelled"] | None, typer.Option()] = None,
    kind: Annotated[Literal["ticket", "adapter", "prediction", "language_delta"] | None, typer.Option()] = None,
    limit: Limit = 20,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """List jobs, newest first."""
    with service_session(as_json, url, api_key) as session:
        jobs = session.client.items("/jobs", status=status, kind=kind, limit=limit)
        rows = [(job["id"], job["kind"], job["status"], _state(job), age(job["created_at"])) for job in jobs]
        columns = ("job", "kind", "status", "progress", "age")
        session.output.show(jobs, lambda console: console.print(table(columns, rows, flexible=3)))


@group.command("show")
def show_job(
    *,
    job: Job,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Show one job."""
    with service_session(as_json, url, api_key) as session:
        job_data = session.client.get(f"/jobs/{job}")
        session.output.show(job_data, lambda console: console.print(key_values(_described(job_data))))


@group.command("watch")
def watch_job(
    *,
    job: Job,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Follow a job until it is finished; Ctrl-C stops following, not the job."""
    with service_session(as_json, url, api_key) as session:
        from app.cli.watch import wait

        finished = wait(session, session.client.get(f"/jobs/{job}"))
        session.output.show(finished, lambda console: console.print(key_values(_described(finished))))


@group.command("cancel")
def cancel_job(
    *,
    job: Job,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Ask a job to stop; what it has made so far is discarded."""
    with service_session(as_json, url, api_key) as session:
        answer = session.client.post(f"/jobs/{job}/cancel")
        session.output.show(answer, lambda console: console.print(f"Asked job {job} to stop."))


@group.command("workers")
def list_workers(
    *,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """List the workers that were heard lately, and which of your jobs each is doing."""
    with service_session(as_json, url, api_key) as session:
        workers = session.client.items("/workers")
        rows = [
            (
                worker["id"],
                worker["host"],
                worker["device"],
                worker["job"] or "-",
                " ".join(worker["kinds"] or ["?"]),
                age(worker["last_seen"]),
            )
            for worker in workers
        ]
        columns = ("worker", "host", "device", "job", "takes", "seen")
        session.output.show(workers, lambda console: console.print(table(columns, rows, flexible=4)))


def _state(job: dict[str, Any]) -> str:
    """How far it is; once it is finished how that ended, or how long it took."""
    if job["error"]:
        return str(job["error"]["code"])
    if job["finished_at"] and job["started_at"]:
        began, ended = (datetime.fromisoformat(job[moment]) for moment in ("started_at", "finished_at"))
        return f"took {clock((ended - began).total_seconds())}"
    progress = job["progress"]
    steps = f" {progress['step']}/{progress['total']}" if progress["total"] else ""
    return f"{progress['phase'] or '-'}{steps}"


def _described(job: dict[str, Any]) -> list[tuple[str, str]]:
    lines = [
        ("job", job["id"]),
        ("makes", f"{job['resource']['kind']} {job['resource']['id']}"),
        ("status", job["status"]),
        ("progress", _state(job)),
        *([("waits for", job["waiting_for"])] if job.get("waiting_for") else []),
        ("attempt", str(job["attempt"])),
        ("accepted", job["created_at"]),
        ("started", job["started_at"] or "-"),
        ("finished", job["finished_at"] or "-"),
    ]
    return lines + ([("error", f"{job['error']['code']}: {job['error']['detail']}")] if job["error"] else [])
