"""Imports that meet each other, and deletions: one ticket a mask, and no adapter without the ticket it needs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import torch
from sqlalchemy import func, select
from support.synthetic import random_changes, random_ticket

from app.api.schemas.adapters import ImportRequest
from app.api.transfer import store_import
from app.errors import InUse
from app.registry import adapters, tickets
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.models import AdapterRow, BlobRow, TicketRow
from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.backbone.load import Backbone
from ltp.delta.delta import encode

TENANT = "default"
AT_ONCE = 8


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Backbone) -> bytes:
    """An adapter of LTP with the mask it needs, as one file."""
    ticket = random_ticket(tiny_backbone, 0.1)
    adapter = Adapter(
        prompt=torch.zeros(4, tiny_backbone.info.hidden),
        delta=encode(random_changes(ticket), ticket),
        method="ltp",
        strategy="decoupled",
        backbone=tiny_backbone.info.fingerprint,
        ticket_sha256=ticket.sha256,
        template=TemplateOptions(literal=False, max_length=64),
    )
    path = tmp_path_factory.mktemp("exported") / "exported.safetensors"
    adapter.save(path, ticket=ticket)
    return path.read_bytes()


class Importer:
    """Imports one file again and again, as the route does."""

    def __init__(self, db: Database, backbone: Backbone, exported: bytes, folder: Path) -> None:
        self.db, self.backbone, self.exported, self.folder = db.of(TENANT), backbone, exported, folder

    def __call__(self, number: int) -> AdapterRow:
        folder = self.folder / str(number)
        folder.mkdir()
        path = folder / "file"
        path.write_bytes(self.exported)
        request = ImportRequest(lang="sw")
        return store_import(
            self.db,
            BlobStore(self.db),
            path,
            tenant=TENANT,
            backbone=self.backbone.info,
            vocabulary=None,
            request=request,
            try_out=lambda _: None,  # here is no engine; what races are the rows
        )


@pytest.fixture
def bring_in(db: Database, tiny_backbone: Backbone, exported: bytes, tmp_path: Path) -> Importer:
    return Importer(db, tiny_backbone, exported, tmp_path)


def test_imports_at_the_same_time_make_one_ticket(db: Database, bring_in: Importer) -> None:
    gate = Barrier(AT_ONCE)

    def at_once(number: int) -> AdapterRow:
        gate.wait()
        return bring_in(number)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        made = list(pool.map(at_once, range(AT_ONCE)))
    assert sorted(adapter.version or 0 for adapter in made) == list(range(1, AT_ONCE + 1))
    with db.read() as session:
        (ticket,) = session.scalars(select(TicketRow.id))
        assert session.scalar(select(func.count()).where(BlobRow.status == "staging")) == 0
    assert {adapter.ticket_id for adapter in made} == {ticket}


def test_an_import_makes_the_ticket_anew_that_is_being_deleted(db: Database, bring_in: Importer) -> None:
    first = bring_in(0)
    with db.write() as session:
        adapters.delete_adapter(session, tenant=TENANT, adapter_id=first.id)
    with ThreadPoolExecutor(1) as pool:
        with db.write() as session:
            tickets.delete_ticket(session, tenant=TENANT, ticket_id=str(first.ticket_id))
            importing = pool.submit(bring_in, 1)
            with pytest.raises(TimeoutError):
                importing.result(timeout=1.5)
        again = importing.result()
    with db.read() as session:
        assert session.scalars(select(TicketRow.id)).all() == [again.ticket_id]
    assert again.ticket_id not in (None, first.ticket_id)


def test_a_ticket_that_an_import_is_about_to_use_stays(db: Database, bring_in: Importer) -> None:
    """Deleting what imports bring in, while they do: whatever came first, each adapter has the ticket it needs."""
    first = bring_in(0)

    def delete() -> int:
        gone = 0
        for _ in range(20):
            with db.read() as session:
                found = session.scalars(select(AdapterRow.id)).all()
                loose = session.scalars(select(TicketRow.id)).all()
            for adapter_id in found:
                with db.write() as session:
                    adapters.delete_adapter(session, tenant=TENANT, adapter_id=adapter_id)
            for ticket_id in loose:
                try:
                    with db.write() as session:
                        tickets.delete_ticket(session, tenant=TENANT, ticket_id=ticket_id)
                        gone += 1
                except InUse:
                    pass
        return gone

    with ThreadPoolExecutor(3) as pool:
        deleting = pool.submit(delete)
        made = list(pool.map(bring_in, range(1, 13)))
        assert deleting.result() >= 0
    assert all(adapter.ticket_id for adapter in [first, *made])
