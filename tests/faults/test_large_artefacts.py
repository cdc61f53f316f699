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
    backbone, export = large
    assert export.stat().st_size > MEGABYTES * 1_000_000
    with running_api(tmp_path, backbone, sqlite=sqlite) as api:
        for figures in alone(api, export):
            print(figures)  # noqa: T201
            assert figures.anonymous_mb < HELD_MB, figures
            assert figures.healthz_ms["probes"] > 0
