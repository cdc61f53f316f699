"""Waiting for a job: its progress, then its result or a failure; Ctrl-C stops the waiting and leaves the job."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from app.cli.command import Session
from app.cli.events import follow
from app.cli.failure import Failure
from app.cli.progress import ProgressDisplay, progress_display
from ltp_client.events import Event


def wait(session: Session, job: dict[str, Any], *, said: Collection[str] = ()) -> dict[str, Any]:
    """Show a job's progress until it has succeeded, and return it; what was `said` before is not said again.

    Raises Failure if it fails, is cancelled, or is no longer waited for: Ctrl-C.
    """
    try:
        with progress_display(job["kind"]) as shown:
            for event in follow(session.client, job["id"]):
                if event.data.get("message") not in said:
                    _show(shown, event)
    except KeyboardInterrupt:
        hint = f"Watch it again: ltp job watch {job['id']}\nCancel it: ltp job cancel {job['id']}"
        raise Failure("interrupted", f"left job {job['id']} alone; it goes on", hint=hint) from None
    finished = session.client.get(f"/jobs/{job['id']}")
    if finished["status"] != "succeeded":
        raise failure_of_job(finished)
    return finished


def accepted_lines(job: dict[str, Any]) -> list[tuple[str, str]]:
    """Lines that name an accepted job, and the commands to watch and to cancel it."""
    return [
        ("accepted", f"job {job['id']}, {job['resource']['kind']} {job['resource']['id']}"),
        ("watch it", f"ltp job watch {job['id']}"),
        ("cancel it", f"ltp job cancel {job['id']}"),
    ]


def failure_of_job(job: dict[str, Any]) -> Failure:
    """Why a job has no result."""
    error = job["error"] or {"code": job["status"], "detail": f"the job was {job['status']}"}
    return Failure(error["code"], f"job {job['id']}: {error['detail']}")


def _show(shown: ProgressDisplay, event: Event) -> None:
    if event.kind == "progress":
        data = event.data
        shown.update(
            data.get("phase") or "",
            data.get("step") or 0,
            data.get("total") or 0,
            metrics=data.get("metrics"),
            eta_s=data.get("eta_s"),
        )
    elif event.kind == "log" and (text := event.data.get("message")):
        shown.log(text)
