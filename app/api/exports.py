"""An adapter as a model that runs elsewhere: made by a process of its own, one at a time, in a folder on the spool.

Torch's exporter keeps an interpreter busy for many seconds and takes several times the model's memory: in a process of
its own it holds up no answer, and all of that is the system's again when it ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.orm import Session

from app.api.transfer import write_export
from app.api.zipped import zipped
from app.errors import ExportBusy, ExportFailed
from app.registry import datasets
from app.registry.adapter_notes import AdapterNotes, without_readings
from app.registry.lineage import goes_back_to_starter
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.models import AdapterRow, DatasetRow
from app.storage.spool import Spool, SpoolFolder
from ltp import errors as ltp
from ltp.backbone.architecture import WORD_EMBEDDINGS
from ltp.backbone.manifest import BackboneInfo
from ltp.config import AdapterConfig
from ltp.errors import BackboneMismatch
from ltp.export.order import Format, Order, spoken
from ltp.text.examples import split

log = structlog.get_logger(__name__)

MOST_S = 1800.0
"""Until an export is given up: that of the largest model takes a few minutes."""
MOST_PAIRS = 300
"""Development pairs on which int8 is compared with fp32."""
BESIDE = 64 << 20
"""Bytes of what lies beside the weights: the tokenizer is the largest."""
RETRY_AFTER_S = 15
_one = threading.Lock()


class ExportedFolder:
    """A filled folder on the spool, which is removed by `close`, or when nobody holds this any more.

    A response that nobody waits for is dropped without being told.
    """

    def __init__(self, held: SpoolFolder, path: Path) -> None:
        self.path = path
        self.close = weakref.finalize(self, held.close)

    def zipped(self, *, name: str) -> Iterator[bytes]:
        """The folder as an archive; it is gone when that has been read."""
        try:
            yield from zipped(self.path, name=name)
        finally:
            self.close()


def export_folder(
    db: Database, blobs: BlobStore, row: AdapterRow, *, spool: Spool, backbone: BackboneInfo, form: Format, int8: bool
) -> ExportedFolder:
    """Make the folder of a ready adapter.

    Raises:
        ExportBusy: another one is being made.
        ExportFailed: the process that makes it ended otherwise.
        NotExportable: it cannot be had in this form here; BackboneMismatch: not on the served backbone.
        NotReadyYet, TooManyUploads, SpoolFull, CorruptBlob, CorruptArtifact: as `write_export`.
    """
    if row.status == "ready" and row.backbone != backbone.fingerprint:
        raise BackboneMismatch(artefact=row.backbone, backbone=backbone.fingerprint)
    with _alone():
        own = write_export(db, blobs, row, spool=spool)
        try:
            own.folder.take(_size(backbone) + BESIDE)
            folder = own.folder.path / "export"
            folder.mkdir()
            pairs = development_pairs(db, blobs, row, own.folder.path / "pairs.jsonl") if int8 else []
            with db.read() as session:
                known = about(session, row)
            order = Order(str(backbone.directory), str(own.path), str(folder), form, int8, known, pairs)
            _carry_out(order)
        except BaseException:
            own.folder.close()
            raise
    return ExportedFolder(own.folder, folder)


@contextmanager
def _alone() -> Iterator[None]:
    if not _one.acquire(blocking=False):
        told = "another export of a whole model is being made, and one at a time is; try again in a moment"
        raise ExportBusy(told, retry_after=RETRY_AFTER_S)
    try:
        yield
    finally:
        _one.release()


def _size(backbone: BackboneInfo) -> int:
    """Bytes of a whole model at most: in fp32, with output embeddings of its own."""
    vocabulary, hidden = backbone.shapes[WORD_EMBEDDINGS]
    return 4 * (backbone.parameters + vocabulary * hidden)


def _carry_out(order: Order) -> None:
    command = [sys.executable, "-P", "-m", "ltp.export"]
    try:
        done = subprocess.run(command, input=spoken(order), capture_output=True, text=True, timeout=MOST_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise ExportFailed(f"the export was not made within {MOST_S:.0f} seconds, and was given up") from error
    if done.returncode:
        raise _fault(done)


def _fault(done: subprocess.CompletedProcess[str]) -> Exception:
    """What the process says of why it made none, or that it says nothing."""
    try:
        told = json.loads(done.stdout)
        kind = getattr(ltp, told["error"])
        fault: Exception = kind.__new__(kind)
        fault.args = (told["detail"],)
    except (ValueError, KeyError, TypeError, AttributeError):
        log.error("an export failed", code=done.returncode, said=done.stderr[-2000:])
        return ExportFailed(f"the process that makes the export ended with code {done.returncode}; its log says why")
    return fault


def about(session: Session, row: AdapterRow) -> dict[str, Any]:
    """What the model card is written from."""
    notes = without_readings(AdapterNotes(row.training or {}, row.metrics or {}, row.examples or {}))
    named = ("lang", "version", "name", "origin", "start", "language_delta")
    told = {name: getattr(row, name) for name in named} | asdict(notes.brief)
    return told | {"from_starter": goes_back_to_starter(session, row)}


def development_pairs(db: Database, blobs: BlobStore, row: AdapterRow, path: Path) -> list[tuple[str, str]]:
    """The pairs that the adapter was judged on, as far as they are kept here, at most `MOST_PAIRS`; else none."""
    with db.read() as session:
        dataset = session.get(DatasetRow, row.dataset_id) if row.dataset_id else None
    if dataset is None:
        return []
    parts = datasets.read_parts(blobs.fetch(dataset.blob_id, path))
    held_out, own = parts["dev"], [example for example in parts["train"] if example.lang is None] or parts["train"]
    estimated = ((row.metrics or {}).get("dev") or {}).get("estimated")
    if not held_out and not estimated:
        known = {name: row.training[name] for name in ("dev_share", "seed") if name in (row.training or {})}
        config = AdapterConfig(**known)
        held_out = split(own, dev_share=config.dev_share, seed=config.seed).dev
    return [(example.premise, example.hypothesis) for example in (held_out or own)[:MOST_PAIRS]]
