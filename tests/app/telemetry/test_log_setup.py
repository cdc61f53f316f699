"""What is logged has one shape, whichever library logs it, and exceptions show nothing that may have been sent."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from support.registry_rows import make_ticket

from app.storage.database import Database
from app.storage.models import TicketRow
from app.telemetry.tracebacks import WITHHELD, describe, format_traceback

SECRET = "what a client wrote"

SAYING_EVERYTHING = """
import logging, sys, threading, warnings
import structlog
from app.settings import Settings
from app.telemetry import log_setup

log_setup.configure(Settings(_env_file=None, log_format=sys.argv[1], log_level="debug"))
structlog.get_logger("app.some").debug("ours", number=1, error=ValueError("SECRET"))
logging.getLogger("uvicorn.error").info("Uvicorn running on %s", "here")
logging.getLogger("python_multipart").debug("SECRET")
warnings.warn("careful")
try:
    int("SECRET")
except ValueError:
    logging.getLogger("celery").exception("theirs")
thread = threading.Thread(target=lambda: {}["SECRET".lower()], name="aside")
thread.start()
thread.join()
class Falling:
    def __del__(self):
        raise KeyError("SECRET".lower())
Falling()
raise LookupError("SECRET".lower())
"""


def said(log_format: str) -> list[str]:
    program = SAYING_EVERYTHING.replace("SECRET", SECRET)
    ran = subprocess.run(
        [sys.executable, "-c", program, log_format], capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 1
    assert ran.stdout == ""
    return ran.stderr.splitlines()


@pytest.mark.process
def test_every_line_is_one_object() -> None:
    entries = [json.loads(line) for line in said("json")]
    events = [entry["event"].split("\n")[0] for entry in entries]
    assert [event for event in events if "UserWarning" not in event] == [
        "ours",
        "Uvicorn running on here",
        "theirs",
        "uncaught in a thread",
        "ignored",
        "uncaught",
    ]
    assert [entry["logger"] for entry in entries if "UserWarning" in entry["event"]] == ["py.warnings"]
    assert entries[0]["error"] == f"ValueError: {WITHHELD}"
    assert SECRET not in json.dumps(entries)


@pytest.mark.process
def test_text_says_the_same() -> None:
    lines = said("text")
    assert sum("Traceback (most recent call last):" in line for line in lines) == 4
    assert [line for line in lines if SECRET in line] == []


class Number(BaseModel):
    value: int


@pytest.mark.parametrize(
    "raise_it",
    [
        lambda: int(SECRET),
        lambda: {}[SECRET],
        lambda: Number.model_validate({"value": SECRET}),
        lambda: json.loads(SECRET)[SECRET],
        lambda: SECRET.encode("ascii").decode("utf-16"),
    ],
)
def test_messages_that_may_quote_are_withheld(raise_it: Callable[[], object]) -> None:
    with pytest.raises(Exception) as caught:
        raise_it()
    assert describe(caught.value) == f"{type(caught.value).__qualname__}: {WITHHELD}"
    assert "lambda" in format_traceback(caught.value)


def test_messages_about_the_machine_are_shown() -> None:
    with pytest.raises(OSError) as caught:
        open("/nowhere/at/all")  # noqa: PTH123, SIM115
    assert describe(caught.value) == "FileNotFoundError: [Errno 2] No such file or directory: '/nowhere/at/all'"
    assert describe(RuntimeError("first line\nsecond line")) == "RuntimeError: first line"


def test_causes_and_groups_are_followed() -> None:
    try:
        try:
            int(SECRET)
        except ValueError as error:
            raise OSError(28, "full") from error
    except OSError as error:
        shown = format_traceback(ExceptionGroup("both", [error, KeyError(SECRET)]))
    assert shown.index("ValueError") < shown.index("direct cause") < shown.index("[Errno 28] full")
    assert "1 of 2" in shown
    assert "2 of 2" in shown


def test_a_broken_constraint_is_named_without_its_row(db: Database) -> None:
    _, ticket, _ = make_ticket(db)
    with pytest.raises(IntegrityError) as caught, db.write() as session:
        session.add(TicketRow(id=ticket.id, tenant="default", name=SECRET))
    assert SECRET not in describe(caught.value) + format_traceback(caught.value)  # Postgres shows the row
    assert "IntegrityError: " in describe(caught.value)
    with pytest.raises(DBAPIError) as wrong, db.read() as session:
        session.execute(text("SELECT CAST(:what AS integer) FROM nowhere"), {"what": SECRET})
    assert SECRET not in f"{wrong.value}{format_traceback(wrong.value)}", "SQLAlchemy would print the parameters"
