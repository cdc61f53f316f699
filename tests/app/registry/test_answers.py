"""What an adapter answered, as it is kept: which are chosen, in which order, how much, and when it goes."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from support.registry_rows import TENANT, finish_adapter, make_adapter, ready_adapter, take

from app.errors import NotReadyYet, PairsNotKept
from app.registry import adapters, answers
from app.registry.answers import Answers, Wanted
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.models import AdapterRow, BlobRow
from ltp.text.examples import Example

GOLD = ["entailment", "neutral", "contradiction", "neutral"]
CHANCES = [[0.9, 0.05, 0.05], [0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.2, 0.6, 0.2]]
EXAMPLES = [
    Example(f"premise\u2028{number}", f"hypothesis {number}", label, line=number + 2)  # type: ignore[arg-type]
    for number, label in enumerate(GOLD)
]


def written(path: Path, examples: list[Example] = EXAMPLES, chances: list[list[float]] = CHANCES) -> Path:
    answers.write(path, examples, chances, part="dev", estimated=None, label_space="three_way")
    return path


def kept(db: Database, tmp_path: Path) -> tuple[AdapterRow, str]:
    """A ready adapter with answers, and the blob they are in."""
    _, job = make_adapter(db)
    blob = BlobStore(db).stage(TENANT, written(tmp_path / "answers.gz"), job_id=job.id)
    row = finish_adapter(db, take(db, job_id=job.id), answers_blob_id=blob.id)
    return row, str(row.answers_blob_id)


def read(db: Database, adapter: AdapterRow, tenant: str = TENANT) -> Answers:
    return answers.read(BlobStore(db), adapter, tenant=tenant)


def test_what_was_answered_comes_back_as_it_was(db: Database, tmp_path: Path) -> None:
    found = read(db, kept(db, tmp_path)[0])
    assert (found.part, found.estimated, found.judged, found.has_langs) == ("dev", None, 4, False)
    assert [found[place].line for place in found.chosen(Wanted())] == [2, 3, 4, 5]
    assert found[0].premise == "premise\u2028" + "0"
    assert [found[place].predicted for place in range(4)] == ["entailment", "entailment", "contradiction", "neutral"]
    assert found[1].by_label("three_way") == {"entailment": 0.7, "neutral": 0.2, "contradiction": 0.1}


@pytest.mark.parametrize(
    ("wanted", "lines"),
    [
        (Wanted(wrong=True), [3]),
        (Wanted(wrong=False), [2, 4, 5]),
        (Wanted(label="neutral"), [3, 5]),
        (Wanted(predicted="entailment"), [2, 3]),
        (Wanted(wrong=False, label="neutral", predicted="entailment"), []),
        (Wanted(sort="certainty"), [2, 4, 3, 5]),
        (Wanted(sort="uncertainty"), [5, 3, 4, 2]),
    ],
)
def test_some_are_chosen_by_label_by_answer_and_by_how_sure_it_was(
    wanted: Wanted, lines: list[int], tmp_path: Path
) -> None:
    first, *rows = gzip.decompress(written(tmp_path / "a.gz").read_bytes()).splitlines()
    found = Answers("dev", None, 4, "three_way", has_langs=False, lines=rows)
    assert b'"judged":4' in first
    assert [found[place].line for place in found.chosen(wanted)] == lines


def test_the_first_are_kept_where_all_are_too_many(tmp_path: Path) -> None:
    long = [Example("p" * 20_000, "h", "neutral", line=number) for number in range(900)]
    content = gzip.decompress(written(tmp_path / "a.gz", long, [[0.2, 0.6, 0.2]] * 900).read_bytes())
    first, *rows = content.splitlines()
    assert b'"judged":900' in first
    assert 800 < len(rows) < 900
    assert sum(map(len, rows)) <= answers.KEPT_BYTES


def test_they_are_erased_with_the_adapter(db: Database, tmp_path: Path) -> None:
    row, blob_id = kept(db, tmp_path)
    BlobStore(db).collect_garbage(grace_s=0)
    assert read(db, row).judged == 4, "they are in use"
    with db.write() as session:
        adapters.delete_adapter(session, tenant=TENANT, adapter_id=row.id)
    with db.read() as session:
        assert session.get(BlobRow, blob_id) is None


def test_a_sweep_of_an_earlier_release_takes_no_more_than_them(db: Database, tmp_path: Path) -> None:
    """It does not know that they are referred to."""
    row, blob_id = kept(db, tmp_path)
    with db.write() as session:
        session.delete(session.get_one(BlobRow, blob_id))
    with db.read() as session:
        row = session.get_one(AdapterRow, row.id)
    assert row.status == "ready"
    with pytest.raises(PairsNotKept, match="deleted"):
        read(db, row)
    with db.write() as session:
        adapters.delete_adapter(session, tenant=TENANT, adapter_id=row.id)


def test_whoever_has_none_is_told_why(db: Database, tmp_path: Path) -> None:
    pending, _ = make_adapter(db)
    with pytest.raises(NotReadyYet):
        read(db, pending)
    row = ready_adapter(db, lang="es")
    for origin, why in {"training": "train it again", "import": "imported", "composed": "composed"}.items():
        row.origin = origin
        with pytest.raises(PairsNotKept, match=why):
            read(db, row)
    with pytest.raises(PairsNotKept, match="another tenant's"):
        read(db, kept(db, tmp_path)[0], tenant="amber")
