"""Standard output and error as they may be: closed, full, a pipe that nobody reads, or without some characters."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TextIO

from app.cli.failure import FAILED, Failure


@contextmanager
def standard_streams() -> Iterator[None]:
    """Run the program on streams that can be written to, and end without a word about those that could not be."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed
            nowhere = Path(os.devnull).open("r" if name == "stdin" else "w", encoding="utf-8")  # noqa: SIM115  as long as we run
            setattr(sys, name, nowhere)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
    except OSError as error:  # of help, which typer prints by itself
        _say(f"error: {error.filename or 'standard output'}: {error.strerror or error}\n")
        sys.exit(FAILED)
    finally:
        for stream in (sys.stdout, sys.stderr):
            _flush_or_silence(stream)


@contextmanager
def results() -> Iterator[BinaryIO]:
    """Standard output for what was asked for: written whole when the block ends.

    Raises Failure if it cannot be written; SystemExit, without a word, if nobody reads it any more (`ltp ... | head`).
    """
    try:
        yield sys.stdout.buffer
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
        sys.exit(FAILED)
    except OSError as error:
        if error.filename is not None:  # of another file
            raise
        _silence(sys.stdout)
        raise Failure("output_failed", f"standard output cannot be written: {error.strerror or error}") from error


def _say(text: str) -> None:
    with suppress(OSError):
        sys.stderr.write(text)


def _flush_or_silence(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:
        _silence(stream)


def _silence(stream: TextIO) -> None:
    """Have what is left in the stream's buffer go nowhere: Python flushes it once more at the end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
