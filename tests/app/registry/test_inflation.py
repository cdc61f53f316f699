"""Small things that would become large ones: masks that unpack into gigabytes, headers that parse into them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from support.peak_memory import peak_mb
from support.registry_rows import figures_of

from app.errors import CorruptBlob
from app.registry import imports, tickets
from app.registry.tickets import StagedTicket
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.models import TicketRow
from ltp.backbone.manifest import read_manifest
from ltp.config import TicketConfig
from ltp.errors import CorruptArtifact
from ltp.tensorfile import read_header

GIB = 1 << 30
MOST_MB = 60
TENANT = "default"


def packed(size: int, *, declared: int | None = None, window_log: int = 0) -> bytes:
    """`size` zero bytes, compressed; the frame declares `declared` of them, or nothing."""
    parameters = zstandard.ZstdCompressionParameters(
        compression_level=3, window_log=window_log, write_content_size=declared is not None
    )
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    block = bytes(1 << 20)
    packer = compressor.chunker(size=size if declared is not None else -1, chunk_size=1 << 20)
    pieces = [piece for _ in range(size >> 20) for piece in packer.compress(block)]
    frame = b"".join([*pieces, *packer.finish()])
    if declared is not None and declared != size:
        frame = frame.replace(size.to_bytes(4, "little"), declared.to_bytes(4, "little"), 1)
    return frame


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """Tens of kilobytes that unpack into 2 GiB of zeros, and say so."""
    content = packed(2 * GIB, declared=2 * GIB)
    assert len(content) < 100_000
    return content


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    db = Database(f"sqlite:///{tmp_path / 'ltp.sqlite3'}")
    db.migrate()
    yield db
    db.close()


def stored(db: Database, content: bytes, *, mask_bytes: int) -> TicketRow:
    """A ticket whose stored mask is `content`."""
    blob = BlobStore(db).stage(TENANT, [content])
    staged = StagedTicket(blob.id, "a" * 64, mask_bytes, figures_of(active=1, selectable=10, moved=9))
    made: Any = {"backbone": "b" * 64, "strategy": "decoupled", "config": TicketConfig()}
    with db.write() as session:
        return imports.add_ticket(session, staged, tenant=TENANT, **made)


@pytest.mark.parametrize("mask_bytes", [0, 1000, 3 << 20, 2 * GIB - 1])
def test_a_mask_that_declares_too_much_is_not_unpacked(sqlite: Database, bomb: bytes, mask_bytes: int) -> None:
    ticket = stored(sqlite, bomb, mask_bytes=mask_bytes)
    with pytest.raises(CorruptBlob, match="does not unpack"):
        next(tickets.stream_mask(BlobStore(sqlite), ticket))


def test_a_mask_that_is_more_than_it_declares_stops_where_it_must(sqlite: Database) -> None:
    lying = packed(GIB, declared=3 << 20)
    assert len(lying) < 50_000
    ticket = stored(sqlite, lying, mask_bytes=3 << 20)
    sizes: list[int] = []

    def unpack() -> None:
        with pytest.raises(CorruptBlob):
            sizes.extend(map(len, tickets.stream_mask(BlobStore(sqlite), ticket)))

    assert peak_mb(unpack) < MOST_MB
    assert sum(sizes) <= 3 << 20


def test_what_is_appended_to_a_mask_is_not_unpacked(sqlite: Database) -> None:
    ticket = stored(sqlite, packed(3 << 20, declared=3 << 20) + packed(GIB, declared=GIB), mask_bytes=3 << 20)
    sizes: list[int] = []
    assert peak_mb(lambda: sizes.extend(map(len, tickets.stream_mask(BlobStore(sqlite), ticket)))) < MOST_MB
    assert sum(sizes) == 3 << 20


@pytest.mark.parametrize("content", [b"", b"no frame", packed(1 << 20), packed(1 << 20, declared=1 << 20)[:-5]])
def test_what_is_no_whole_mask_is_refused(sqlite: Database, content: bytes) -> None:
    ticket = stored(sqlite, content, mask_bytes=1 << 20)
    with pytest.raises(CorruptBlob):
        list(tickets.stream_mask(BlobStore(sqlite), ticket))


def test_a_window_of_gigabytes_is_not_allocated(sqlite: Database) -> None:
    size = 8 << 20
    wide = bytearray(packed(size, declared=size, window_log=23))
    assert wide[4] & 0x20, "one segment: the window is the content"
    wide[4] &= ~0x20  # now a byte follows that says how large the window is
    wide.insert(5, 21 << 3)  # 2 GiB
    assert zstandard.get_frame_parameters(bytes(wide)).window_size == 2 * GIB
    ticket = stored(sqlite, bytes(wide), mask_bytes=size)

    def unpack() -> None:
        with pytest.raises(CorruptBlob):
            list(tickets.stream_mask(BlobStore(sqlite), ticket))

    assert peak_mb(unpack) < MOST_MB


def test_a_mask_larger_than_the_backbone_allows_is_not_even_fetched(
    sqlite: Database, bomb: bytes, tiny_backbone_dir: Path, tmp_path: Path
) -> None:
    ticket = stored(sqlite, bomb, mask_bytes=2 * GIB)
    info = read_manifest(tiny_backbone_dir)
    path = tmp_path / "mask"

    def fetch() -> None:
        with pytest.raises(CorruptBlob, match="parameters need"):
            tickets.fetch_mask(BlobStore(sqlite), ticket, path, backbone=info)

    assert peak_mb(fetch) < MOST_MB
    assert not path.exists()


def with_header(header: str) -> bytes:
    raw = header.encode()
    return len(raw).to_bytes(8, "little") + raw


LONG = "9" * 4000
HEADERS: dict[str, Callable[[], str]] = {
    "lists": lambda: '{"a": [' + "[]," * 5_000_000 + "[]]}",
    "objects": lambda: '{"a": [' + "{}," * 5_000_000 + "{}]}",
    "deep": lambda: '{"a": ' + "[" * 190_000 + "]" * 190_000 + "}",
    "too long": lambda: '{"a": "' + "x" * (17 << 20) + '"}',
    "a large product": lambda: (
        json.dumps({"a": {"dtype": "U8", "data_offsets": [0, 1]}})[:-2] + f', "shape": [{", ".join([LONG] * 4000)}]}}}}'
    ),
    "large numbers": lambda: '{"a": {"dtype": "U8", "shape": [' + LONG + '], "data_offsets": [0, ' + LONG + "]}}",
    "a terabyte": lambda: '{"a": {"dtype": "U8", "shape": [1000000000000], "data_offsets": [0, 1000000000000]}}',
}


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.slow
def test_a_header_that_would_become_large_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "export.safetensors"
    path.write_bytes(with_header(HEADERS[name]()))
    told: list[str] = []

    def read() -> None:
        with pytest.raises(CorruptArtifact) as refused:
            read_header(path)
        told.append(str(refused.value))

    assert peak_mb(read) < MOST_MB
    assert len(told[0]) < 300, "the message does not repeat what was sent"
