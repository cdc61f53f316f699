"""A file or folder is whole or absent, the former one stays when its writer fails, and nothing else is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ltp import atomic_file

KILLED = """
import os, signal, sys
from pathlib import Path
from ltp import atomic_file
with atomic_file.new_content(Path(sys.argv[1])) as file:
    file.write(b"half of it")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_text_takes_the_place_of_the_former_one(tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    for text in ("first", "sécond\n", ""):
        atomic_file.write_text(path, text)
        assert path.read_bytes() == text.encode()
    assert names(tmp_path) == ["note.json"]


def test_nothing_is_at_the_name_before_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with atomic_file.new_content(path) as file:
        file.write(b"content")
        file.flush()
        assert not path.exists()
    assert path.read_bytes() == b"content"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_writer_that_fails_leaves_the_former_file_alone(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"former")
    with pytest.raises(error), atomic_file.new_content(path) as file:  # noqa: PT012 - the block is what is tested
        file.write(b"new")
        raise error
    assert path.read_bytes() == b"former"
    assert names(tmp_path) == ["file"]


def test_a_writer_that_makes_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_file.new_file(tmp_path / "file"):
        pass
    assert names(tmp_path) == []


def test_a_name_that_cannot_be_taken_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(IsADirectoryError):
        atomic_file.write_text(tmp_path / "taken", "text")
    assert names(tmp_path) == ["taken"]


@pytest.mark.process
def test_a_killed_writer_leaves_the_former_file_and_a_part(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"former")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"former"
    assert [name.endswith(atomic_file.PART) for name in names(tmp_path)] == [False, True]


def test_writers_of_one_name_do_not_meet(tmp_path: Path) -> None:
    path, texts = tmp_path / "file", [str(number) * 10_000 for number in range(8)]
    threads = [threading.Thread(target=atomic_file.write_text, args=(path, text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in texts
    assert names(tmp_path) == ["file"]


def test_permissions_are_those_of_any_new_file_or_the_writers_own(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        atomic_file.write_text(tmp_path / "common", "text")
        with atomic_file.new_folder(tmp_path / "folder"):
            pass
    finally:
        os.umask(before)
    with atomic_file.new_file(tmp_path / "private") as new:
        new.touch(0o600)
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in names(tmp_path)}
    assert modes == {"common": 0o640, "folder": 0o750, "private": 0o600}


def test_a_folder_takes_the_place_of_the_former_one(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    for name in ("first", "second"):
        with atomic_file.new_folder(path) as new:
            (new / "deep").mkdir()
            (new / "deep" / name).write_text(name)
            assert name not in {file.name for file in path.rglob("*")}
        assert [file.name for file in path.rglob("*")] == ["deep", name]
    assert names(tmp_path) == ["folder"]


def test_a_folder_whose_writer_fails_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "former").touch()
    with pytest.raises(ValueError, match="full"), atomic_file.new_folder(path) as new:  # noqa: PT012 - as above
        (new / "half").touch()
        raise ValueError("full")
    assert names(tmp_path) == ["folder"]
    assert names(path) == ["former"]


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "no such folder" / "file"
    with pytest.raises(FileNotFoundError) as raised, atomic_file.new_content(path):
        pass
    assert raised.value.filename == str(path)


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "mini[1]"
    (tmp_path / f"mini[1].x1{atomic_file.PART}").mkdir()
    (tmp_path / f"mini[1].x1{atomic_file.PART}" / "config.json").write_text("{}")
    (tmp_path / f"mini[1].x2{atomic_file.PART}").write_text("half")
    kept = ["mini[1]", "mini[1].txt", f"mini1.x3{atomic_file.PART}"]
    for name in kept:
        (tmp_path / name).write_text("whole")

    atomic_file.remove_leftovers(path)

    assert names(tmp_path) == sorted(kept)
