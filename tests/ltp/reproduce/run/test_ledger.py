"""The ledger: whole files only, one process at a time, and no mixing of what was made differently."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from support.reproducing import IDENTITY, grid_of, made_up, small

from ltp.errors import LedgerMismatch
from ltp.reproduce.plan.grid import Grid
from ltp.reproduce.run.identity import code_version, identify
from ltp.reproduce.run.ledger import CELLS, Ledger


def test_what_is_kept_is_there_when_it_is_opened_again(grid: Grid, tmp_path: Path) -> None:
    cell = grid.cells({})[0]
    with Ledger(tmp_path, IDENTITY) as ledger:
        kept = ledger.save(cell, made_up(cell), seconds=1.5, peak_rss_mb=10)

    with Ledger(tmp_path, IDENTITY) as again:
        assert again.records == {cell.id: kept}
        assert again.outcomes == {cell.id: made_up(cell)}
    assert sorted(path.name for path in (tmp_path / CELLS).iterdir()) == [f"{cell.id}.json"]


def test_half_a_file_is_as_good_as_none(grid: Grid, tmp_path: Path) -> None:
    first, second, *_ = grid.cells({})
    with Ledger(tmp_path, IDENTITY) as ledger:
        for cell in (first, second):
            ledger.save(cell, made_up(cell), seconds=1, peak_rss_mb=1)
    path = tmp_path / CELLS / f"{first.id}.json"
    path.write_text(path.read_text(encoding="utf-8")[:40], encoding="utf-8")
    (tmp_path / CELLS / f"{second.id}.json.0a0b1c2d.part").write_text("{", encoding="utf-8")
    (tmp_path / CELLS / "other.json").write_text("{}", encoding="utf-8")

    with Ledger(tmp_path, IDENTITY) as again:
        assert set(again.records) == {second.id}
    assert not list((tmp_path / CELLS).glob("*.part"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"backbone": "e" * 64}, "backbone was ffffffffffff... and is eeeeeeeeeeee..."),
        ({"code": "2"}, "code was 1 and is 2"),
        ({"packages": {"torch": "3"}}, "packages torch was 2 and is 3"),
        ({"data": {"xnli/dev-en.tsv": "b" * 64}}, "data xnli/dev-en.tsv was aaaaaaaaaaaa..."),
    ],
)
def test_results_made_otherwise_are_not_mixed(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    Ledger(tmp_path, IDENTITY).close()

    with pytest.raises(LedgerMismatch) as caught:
        Ledger(tmp_path, dataclasses.replace(IDENTITY, **changes))  # type: ignore[arg-type]
    assert words in str(caught.value)
    Ledger(tmp_path, IDENTITY).close()


def test_further_files_join_and_are_remembered(tmp_path: Path) -> None:
    Ledger(tmp_path, IDENTITY).close()
    Ledger(tmp_path, dataclasses.replace(IDENTITY, data={"xnli/test-en.tsv": "c" * 64})).close()

    with pytest.raises(LedgerMismatch, match="test-en"):
        Ledger(tmp_path, dataclasses.replace(IDENTITY, data={"xnli/test-en.tsv": "d" * 64}))
    with Ledger(tmp_path, IDENTITY) as ledger:
        assert set(ledger.identity.data) == {"xnli/dev-en.tsv", "xnli/test-en.tsv"}


def test_two_processes_do_not_share_one(tmp_path: Path) -> None:
    with Ledger(tmp_path, IDENTITY), pytest.raises(LedgerMismatch, match="another process is working in"):
        Ledger(tmp_path, IDENTITY)
    Ledger(tmp_path, IDENTITY).close()


def test_an_identity_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    Ledger(tmp_path, IDENTITY).close()
    (tmp_path / "identity.json").write_text("[]", encoding="utf-8")

    with pytest.raises(LedgerMismatch, match="cannot be read"):
        Ledger(tmp_path, IDENTITY)


def test_the_identity_holds_what_decides_figures(data: Path) -> None:
    grid = grid_of(small(), data)
    identity = identify(backbone="f" * 64, data=grid.data.fingerprints, text=None)

    assert set(identity.packages) == {"torch", "tokenizers", "numpy"}
    assert set(identity.data) == {"xnli/dev-en.tsv", "xnli/test-en.tsv", "xnli/test-es.tsv"}
    assert identity.code == code_version()
    assert json.loads(json.dumps(identity.facts())) == identity.facts()
