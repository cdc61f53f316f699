"""Files that are handed out: what is gone is named by what the client asked for."""

from __future__ import annotations

import asyncio

import pytest

from app.api.downloads import SAFETENSORS, download, result_name
from app.errors import TicketNotFound
from app.storage.blobs import BlobStore


def test_what_was_deleted_before_the_first_byte_is_what_was_asked_for(store: BlobStore) -> None:
    """The blob behind it is nothing that a client could know."""
    blob = store.stage("default", [b"a mask"])
    chunks = store.stream(blob.id)
    store.erase(blob.id)
    with pytest.raises(TicketNotFound, match="'the ticket'"):
        asyncio.run(download(chunks, SAFETENSORS, name="mask", gone=TicketNotFound("the ticket")))


@pytest.mark.parametrize(
    ("called", "form", "result", "name"),
    [
        ("pairs.csv", "csv", "csv", "pairs.csv"),
        ("pairs", "jsonl", "jsonl", "pairs"),
        ("pairs.txt", "tsv", "tsv", "pairs.txt"),
        ("pairs.csv.gz", "csv", "csv", "pairs.csv"),
        ("book.XLSX", "xlsx", "csv", "book.csv"),
        ("book", "ods", "csv", "book.csv"),
        ("v1.2 final", "parquet", "jsonl", "v1.2 final.jsonl"),
        ("pairs.json.gz", "json", "jsonl", "pairs.jsonl"),
        ("", "csv", "csv", None),
        (None, "xlsx", "csv", None),
    ],
)
def test_a_result_is_called_as_its_file_was_with_the_ending_of_its_own_format(
    called: str | None, form: str, result: str, name: str | None
) -> None:
    assert result_name(called, form=form, result=result) == name
