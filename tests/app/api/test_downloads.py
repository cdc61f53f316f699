"""Files that are handed out: what is gone is named by what the client asked for."""

from __future__ import annotations

import asyncio

import pytest

from app.api.downloads import SAFETENSORS, download
from app.errors import TicketNotFound
from app.storage.blobs import BlobStore


def test_what_was_deleted_before_the_first_byte_is_what_was_asked_for(store: BlobStore) -> None:
    """The blob behind it is nothing that a client could know."""
    blob = store.stage("default", [b"a mask"])
    chunks = store.stream(blob.id)
    store.erase(blob.id)
    with pytest.raises(TicketNotFound, match="'the ticket'"):
        asyncio.run(download(chunks, SAFETENSORS, name="mask", gone=TicketNotFound("the ticket")))
