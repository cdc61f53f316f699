"""A large adapter passes through the API in pieces, on its way in and out, on both databases; so does a mask."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.blobs import alone, large_backbone, large_export, running_api

pytestmark = pytest.mark.process

MEGABYTES = 100
HELD_MB = 32


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A backbone, and an export of an adapter that changes all of it."""
    directory = tmp_path_factory.mktemp("large")
    backbone = large_backbone(directory / "backbone", MEGABYTES)
    return backbone, large_export(directory / "export", backbone, seed=1)


@pytest.mark.parametrize("sqlite", [True, False], ids=["sqlite", "postgres"])
def test_little_of_an_artefact_is_ever_in_memory(large: tuple[Path, Path], tmp_path: Path, *, sqlite: bool) -> None:
    """Its bytes pass in pieces; only while the engine tries an import is it in memory, once, as when it is served.

    That one copy counts against the engine's own bound (`LTP_COMPACT_MB`), and is gone before the import is answered.
    """
    backbone, export = large
    size_mb = export.stat().st_size / 1e6
    assert size_mb > MEGABYTES
    with running_api(tmp_path, backbone, sqlite=sqlite) as api:
        published, read = alone(api, export)
        print(published, read, sep="\n")  # noqa: T201
        assert published.anonymous_mb < size_mb + HELD_MB, published
        assert read.idle_mb - published.idle_mb < size_mb / 2, "it is gone; a heap keeps a part of what it had"
        assert read.anonymous_mb < HELD_MB, read
        assert all(figures.healthz_ms["probes"] > 0 for figures in (published, read))
