"""The starter's way into the registry: a thread beside the one that loads the backbone puts it there, once a database.

Processes that start at the same time take turns, and all but one find it there. It is done before the backbone is
loaded, which takes longer; the predictor waits for it, so that what `/readyz` calls ready answers every language.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.api.import_checks import verified
from app.api.import_notes import read_notes
from app.api.schemas.adapters import ImportRequest
from app.api.transfer import described
from app.errors import AppError, NoAdapterForLanguage
from app.inference.served_backbone import ServedBackbone
from app.registry import imports, starters
from app.setting_values import OFF
from app.storage.blobs import BlobStore
from app.storage.database import Database
from ltp.backbone.manifest import BackboneInfo
from ltp.errors import LTPError

if TYPE_CHECKING:
    from ltp.starter import StarterFile

log = structlog.get_logger(__name__)

RETRY_S = 10.0
"""A database that is not migrated yet, or away, is tried again so often."""
WAIT_S = 60.0
"""The longest that anything waits for the first try."""


class AlreadyInstalled(Exception):
    """Another process was faster."""


class StarterImport:
    """Installs the starter of the served backbone, if the package has one."""

    def __init__(self, db: Database, backbone: ServedBackbone) -> None:
        self._db, self._backbone = db, backbone
        self._tried, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="starter", daemon=True)

    def start(self) -> None:
        """Begin, once the backbone is known."""
        self._thread.start()

    def stop(self) -> None:
        """Do not try again."""
        self._stopping.set()

    def wait(self) -> None:
        """Return when the starter is there, or the first try has failed, or there is none."""
        self._tried.wait(WAIT_S)

    @property
    def is_awaited(self) -> bool:
        """Whether languages without an adapter of their own may be answered in a moment."""
        if self._tried.is_set() or self._backbone.settings.starter == OFF:
            return False
        if self._backbone.starter_of is None:
            return self._backbone.state != "failed"
        return self._backbone.starter is not None

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """While the starter is about to come, have a language without an adapter asked for again: raise NotReady."""
        try:
            yield
        except NoAdapterForLanguage as error:
            if not self.is_awaited:
                raise
            raise self._backbone.not_ready() from error

    def _run(self) -> None:
        self._backbone.found.wait()
        file = self._backbone.starter
        while file is not None and not self._stopping.is_set():
            try:
                install(self._db, self._backbone.info, file)
                break
            except (DBAPIError, AppError, LTPError, OSError) as error:
                log.warning("the starter is not installed yet", reason=str(error))
            self._tried.set()
            self._stopping.wait(RETRY_S)
        self._tried.set()


def install(db: Database, backbone: BackboneInfo, file: StarterFile) -> None:
    """Put a starter and its ticket into the registry, for all tenants, unless it is there. Imports torch."""
    view = db.of(starters.OWNER)
    blobs = BlobStore(view)  # without a quota: it is the program's, and not what a tenant has

    def check(session: Session) -> None:
        if starters.is_installed(session, backbone=backbone.fingerprint, sha256=file.export_sha256):
            raise AlreadyInstalled

    try:
        with view.read() as session:
            check(session)
        with tempfile.TemporaryDirectory(prefix="ltp-starter-") as folder:
            _install(view, blobs, backbone, file, Path(folder), check)
    except AlreadyInstalled:
        return


def _install(
    view: Database, blobs: BlobStore, backbone: BackboneInfo, file: StarterFile, folder: Path, check: imports.Check
) -> None:
    from ltp.starter.package import unpack

    adapter, ticket, raw_notes, left = verified(unpack(file, folder, backbone=backbone), backbone, None)
    notes = read_notes(raw_notes, ImportRequest(), label_space=adapter.verbalizer.label_space)
    notes.training[starters.SHA256] = file.export_sha256
    path = folder / "adapter.safetensors"
    adapter.save(path, left=left)
    blob = blobs.stage(starters.OWNER, path)
    imported = described(adapter, notes, blob, lang=starters.LANG, origin=starters.STARTER)
    with blobs.until_used(blob.id):
        row = imports.register(
            view, blobs, imported, ticket, folder, tenant=starters.OWNER, alias=starters.STARTER, check=check
        )
    log.info("the starter is installed", file=file.name, adapter=row.id, version=row.version)
