"""The spool removes what no live process holds, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.storage.spool import FORGOTTEN_S, PREFIX, Spool, remove_stale

HOLD = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from app.storage.spool import Spool
folder = Spool(Path(sys.argv[1]), most=1 << 20).folder("one")
(folder.path / "file").write_text("a text")
print(folder.path, flush=True)
time.sleep(600)
"""


def left_by_a_version_without_locks(directory: Path, name: str, *, age_s: float) -> Path:
    folder = directory / name
    folder.mkdir(parents=True)
    (folder / "file").write_text("a text")
    moment = time.time() - age_s
    for path in (folder / "file", folder):
        os.utime(path, (moment, moment))
    return folder


@pytest.mark.process
def test_what_a_killed_process_left_is_removed_and_what_a_live_one_holds_is_not(tmp_path: Path) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    dead, living = (Path(process.stdout.readline().strip()) for process in started)  # type: ignore[union-attr]
    own = Spool(tmp_path, most=1 << 20).folder("one")
    try:
        assert remove_stale(tmp_path) == 0
        started[0].send_signal(signal.SIGKILL)
        started[0].wait()
        assert remove_stale(tmp_path) == 1
        assert (dead.exists(), living.exists(), own.path.exists()) == (False, True, True)
    finally:
        for process in started:
            process.kill()
            process.communicate()
    own.close()
    assert remove_stale(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_folders_that_no_lock_tells_about_go_after_a_day(tmp_path: Path) -> None:
    old = [
        left_by_a_version_without_locks(tmp_path, name, age_s=FORGOTTEN_S + 60)
        for name in ("ltp-upload-a", "ltp-export-a")
    ]
    young = left_by_a_version_without_locks(tmp_path, "ltp-upload-b", age_s=60)
    foreign = left_by_a_version_without_locks(tmp_path, "somebody's", age_s=10 * FORGOTTEN_S)
    elsewhere = left_by_a_version_without_locks(tmp_path.parent / "elsewhere", "kept", age_s=10 * FORGOTTEN_S)
    (tmp_path / f"{PREFIX}link").symlink_to(elsewhere)
    assert remove_stale(tmp_path) == 2
    assert not any(folder.exists() for folder in old)
    assert young.exists()
    assert foreign.exists()
    assert (elsewhere / "file").exists(), "links are not followed"


def test_a_folder_and_its_files_are_for_the_service_alone(tmp_path: Path) -> None:
    with Spool(tmp_path / "uploads", most=1 << 20).folder("one") as folder:
        assert (folder.path.stat().st_mode & 0o777, folder.path.parent.stat().st_mode & 0o777) == (0o700, 0o700)
    assert not folder.path.exists()


def test_there_is_nothing_to_remove_where_there_is_no_spool(tmp_path: Path) -> None:
    assert remove_stale(tmp_path / "absent") == 0


def test_a_folder_that_is_being_made_is_not_taken_for_a_left_one(tmp_path: Path) -> None:
    """A sweep may look between the making of a folder and its lock."""
    stop = threading.Event()

    def sweep() -> None:
        while not stop.is_set():
            remove_stale(tmp_path)

    spool = Spool(tmp_path, most=1 << 20)
    with ThreadPoolExecutor(2) as pool:
        sweeping = [pool.submit(sweep) for _ in range(2)]
        try:
            for _ in range(200):
                with spool.folder("one") as folder:
                    (folder.path / "file").write_text("a text")
        finally:
            stop.set()
        assert [each.result() for each in sweeping] == [None, None]
