"""The run: each cell kept before the next is begun, gone on with after a break, a lost file made again."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.reproducing import IDENTITY
from support.transferring import MadeUpWorker

from ltp.reproduce.run.ledger import Ledger
from ltp.reproduce.run.runner import RunProgress
from ltp.reproduce.transfer.cell import RecipeCell, TextCell
from ltp.reproduce.transfer.grid import TransferGrid
from ltp.reproduce.transfer.runner import TransferRunner


class Broken(Exception):
    """What a worker that breaks off raises."""


def test_every_cell_is_done_once_and_in_order(transfer_grid: TransferGrid, tmp_path: Path) -> None:
    worker, told = MadeUpWorker(), list[RunProgress]()
    with Ledger(tmp_path, IDENTITY) as ledger:
        TransferRunner(transfer_grid.cells, ledger, worker, told.append).run()
        assert set(ledger.records) == {cell.id for cell in transfer_grid.cells}
    assert worker.done == transfer_grid.cells
    assert (told[-1].done, told[-1].total, told[-1].eta_s) == (len(worker.done), len(worker.done), 0)


def test_after_a_break_the_next_cell_is_done(transfer_grid: TransferGrid, tmp_path: Path) -> None:
    def break_off(cell: object) -> None:
        if cell == transfer_grid.cells[10]:
            raise Broken

    with Ledger(tmp_path, IDENTITY) as ledger, pytest.raises(Broken):
        TransferRunner(transfer_grid.cells, ledger, MadeUpWorker(spoil=break_off)).run()
    worker = MadeUpWorker()
    with Ledger(tmp_path, IDENTITY) as ledger:
        assert len(ledger.records) == 10
        TransferRunner(transfer_grid.cells, ledger, worker).run()
    assert [cell for cell in worker.done if not isinstance(cell, TextCell)] == [
        cell for cell in transfer_grid.cells[10:] if not isinstance(cell, TextCell)
    ]


def test_a_delta_that_is_gone_is_made_again_if_something_needs_it(transfer_grid: TransferGrid, tmp_path: Path) -> None:
    cells = transfer_grid.cells
    text = next(cell for cell in cells if isinstance(cell, TextCell))
    last_user = [cell for cell in cells if isinstance(cell, RecipeCell) and cell.text][-1]
    with Ledger(tmp_path, IDENTITY) as ledger:
        TransferRunner([cell for cell in cells if cell != last_user], ledger, MadeUpWorker()).run()
        worker = MadeUpWorker()
        TransferRunner(cells, ledger, worker).run()
        assert worker.done == [text, last_user]
        again = MadeUpWorker()
        TransferRunner(cells, ledger, again).run()
        assert again.done == []
