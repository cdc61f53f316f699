"""Benchmarks' folders: read strictly, checked against each other, fingerprinted."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from support.benchmarks import write_xnli

from ltp.errors import UnsoundData
from ltp.reproduce.data.rows import read_rows
from ltp.reproduce.data.suite import DataFolder, Suite
from ltp.reproduce.data.text import read_text


@pytest.fixture
def own(data: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return shutil.copytree(data, tmp_path / "data")


def test_both_layouts_are_read(data: Path) -> None:
    xnli, americas = Suite(data, "xnli"), Suite(data, "americasnli")

    assert xnli.languages("dev") == ["en", "es", "sw"]
    assert xnli.languages("test") == ["en", "es"]
    assert americas.languages("dev") == ["aym", "oto", "quy"]
    assert americas.languages("test") == ["aym", "quy"]
    assert xnli.flat
    assert not americas.flat
    assert xnli.file("dev", "en").ids[:3] == (1, 2, 3)
    assert americas.file("test", "quy").ids[0] == 25051


def test_quotes_are_plain_characters(tmp_path: Path) -> None:
    path = tmp_path / "dev-en.tsv"
    path.write_text('"He said ""no"""\t"yes"\tneutral\nA "\tb\tentailment\n', encoding="utf-8")

    examples = read_rows(path, name="x", language="en").examples

    assert [(each.premise, each.hypothesis) for each in examples] == [('"He said ""no"""', '"yes"'), ('A "', "b")]


def test_a_csv_is_read_with_its_quotes_and_its_rows_are_known_by_number(tmp_path: Path) -> None:
    path = tmp_path / "hau.csv"
    path.write_text(
        'premise,hypothesis,label\r\n"Ta ce, ""a\'a"".",Gida.,neutral\r\nDaya,"Biyu\nuku",entailment\r\n',
        encoding="utf-8",
    )

    file = read_rows(path, name="x", language="hau")

    assert [(each.premise, each.hypothesis) for each in file.examples] == [
        ('Ta ce, "a\'a".', "Gida."),
        ("Daya", "Biyu\nuku"),
    ]
    assert file.ids == (1, 2)
    assert file.labels == ["neutral", "entailment"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("premise,label\na,neutral\n", "the first line must be premise,hypothesis,label"),
        ("premise,hypothesis,label\na,b\n", "line 2: 2 cells where 3 stand in a row"),
        ('premise,hypothesis,label\n"a"x,b,neutral\n', "cannot be read as CSV"),
        ("premise,hypothesis,label\na,b,perhaps\n", "line 2: 'perhaps' is not a label"),
    ],
)
def test_a_csv_that_is_none_of_a_benchmark_is_refused(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "hau.csv"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(UnsoundData, match=words):
        read_rows(path, name="afrixnli/dev/hau.csv", language="hau")


def test_a_folder_of_csv_files_is_a_benchmark(data: Path) -> None:
    afri = Suite(data, "afrixnli")

    assert afri.languages("dev") == ["eng", "hau"]
    assert afri.languages("test") == ["hau", "swa"]
    assert len(afri.file("test", "swa")) == 24


def test_facts_name_counts_and_sha256(data: Path) -> None:
    file = Suite(data, "americasnli").file("test", "aym")

    facts = file.facts()

    assert facts["pairs"] == 48
    assert facts["premises"] == 16
    assert facts["labels"] == {"entailment": 16, "neutral": 16, "contradiction": 16}
    assert facts["blank"] == 1
    assert facts["sha256"] == hashlib.sha256((data / "americasnli/test/aym.tsv").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a\tb\n", "line 1: 2 cells where 3 stand in a row"),
        ("a\tb\tneutral\na\tb\tmaybe\n", "line 2: 'maybe' is not a label"),
        ("", "holds no rows"),
        (
            "id\tlanguage\tpremise\thypothesis\tlabel\n7\tquy\ta\tb\tneutral\n",
            "the language is 'quy', and the file's 'en'",
        ),
        ("id\tlanguage\tpremise\thypothesis\tlabel\nx\ten\ta\tb\tneutral\n", "the id is 'x'"),
        (
            "id\tlanguage\tpremise\thypothesis\tlabel\n1\ten\ta\tb\t0\n1\ten\ta\tb\t1\n",
            "the id 1 stands there more than once",
        ),
    ],
)
def test_a_row_that_cannot_be_is_named(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "dev-en.tsv"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(UnsoundData, match=words):
        read_rows(path, name="xnli/dev-en.tsv", language="en")


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    path = tmp_path / "dev-en.tsv"
    path.write_bytes(b"a\tb\tneutral\n\xff\tb\tneutral\n")

    with pytest.raises(UnsoundData, match=r"xnli/dev-en.tsv: line 2"):
        read_rows(path, name="xnli/dev-en.tsv", language="en")


def test_languages_have_to_be_parallel(own: Path) -> None:
    path = own / "xnli" / "dev-es.tsv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-1]), encoding="utf-8")
    suite = Suite(own, "xnli")
    suite.file("dev", "en")
    with pytest.raises(UnsoundData, match=r"dev-es.tsv has 71 rows and xnli/dev-en.tsv 72"):
        suite.file("dev", "es")

    lines[4], lines[5] = lines[5], lines[4]
    path.write_text("".join(lines), encoding="utf-8")
    with pytest.raises(UnsoundData, match=r"row 5 is contradiction in xnli/dev-es.tsv and neutral in xnli/dev-en.tsv"):
        suite.file("dev", "es")


def test_rows_with_ids_are_parallel_by_id_and_may_be_fewer(own: Path) -> None:
    suite = Suite(own, "americasnli")
    suite.file("dev", "quy")
    assert len(suite.file("dev", "oto")) == 24

    path = own / "americasnli" / "dev" / "aym.tsv"
    path.write_text(path.read_text(encoding="utf-8").replace("entailment", "neutral"), encoding="utf-8")
    with pytest.raises(UnsoundData, match=r"row 12451 is neutral in americasnli/dev/aym.tsv and entailment"):
        suite.file("dev", "aym")


def test_what_is_missing_is_named(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsoundData, match="holds no folder 'snli'"):
        Suite(data, "snli")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnsoundData, match="holds neither"):
        Suite(tmp_path, "empty")
    with pytest.raises(UnsoundData, match=r"xnli has no test file of 'sw'; there is en, es"):
        Suite(data, "xnli").file("test", "sw")


def test_notes_tell_of_halves_and_blanks(data: Path) -> None:
    folder = DataFolder(data)
    folder.suite("xnli").file("test", "en")
    folder.suite("americasnli").file("test", "aym")

    assert folder.suite("xnli").notes() == ["xnli: the test files hold 72 of the 5,010 pairs that were published."]
    assert folder.suite("americasnli").notes() == [
        "americasnli/test/aym.tsv: 1 pairs have a blank text; they are scored like every other."
    ]
    assert set(folder.fingerprints) == {"xnli/test-en.tsv", "americasnli/test/aym.tsv"}


def test_a_folder_of_ones_own_may_have_either_layout(tmp_path: Path) -> None:
    write_xnli(tmp_path / "mine", dev=("pt-BR",), test=("pt-BR",))

    assert Suite(tmp_path, "mine").file("test", "pt-BR").language == "pt-BR"


def test_wikitext_is_cut_into_sentences_without_headings(data: Path, tmp_path: Path) -> None:
    text = read_text(data, None, sentences=10)

    assert text.count == 60
    assert len(text.sentences) == 10
    assert all(sentence.endswith(" .") and "=" not in sentence for sentence in text.sentences)
    own = tmp_path / "own.txt"
    own.write_text("one two three\n\nfour\n", encoding="utf-8")
    assert read_text(data, own, sentences=10).sentences == ("one two three", "four")
    with pytest.raises(UnsoundData, match=r"valid\.txt; name a file of sentences"):
        read_text(tmp_path, None, sentences=10)
