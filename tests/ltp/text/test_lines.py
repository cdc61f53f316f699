"""Text in other encodings, compressed, and with other line ends: read where certain, else refused by place."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltp.errors import ExamplesError
from ltp.text.compression import SMALL
from ltp.text.lines import TextFile

TEXT = "premise\thypothesis\r\nEl niño está aquí.\tÑandú\n犬が寝ている\tأب\n"
WESTERN = {
    "French": "Le chien dort à côté; elle a acheté deux mangues à 1,50 €. L’œuvre «entière»…",
    "German": "Die Größe beträgt 3½ m² – „groß“, 25 °C ± 2",
    "Portuguese": "São três irmãos; as opções não são boas. 1º lugar",
    "Spanish": "¿Qué pasó? ¡El niño está aquí! “sí”",
    "Swedish": "Hunden sover på mattan; två äpplen är ätna.",
    "English": "“It’s here” – she said…",
}
OTHERS = [
    ("cp1250", "Zażółć gęślą jaźń, proszę."), ("cp1250", "A nő sétált, és hűvös volt az idő."),
    ("cp1250", "Ten pes spí; ulice už řídne."), ("cp1251", "Собака спит на коврике."), ("cp1251", "Да."),
    ("cp1253", "Ο σκύλος κοιμάται."), ("cp1254", "Köpek uyuyor, kadın çiçek aldı, şimdi gidiyor."),
    ("cp1255", "הכלב ישן"), ("cp1256", "الكلب نائم"), ("cp1257", "Moteris nusipirko žuvų ir ąžuolą."),
    ("mac_roman", "El niño está aquí"), ("mac_roman", "Die Größe ist schön"), ("cp850", "El niño está aquí"),
    ("cp437", "Die Größe ist schön"), ("iso8859_2", "Zażółć gęślą jaźń"), ("iso8859_15", "un cœur à 5 €"),
    ("koi8_r", "Собака спит"), ("shift_jis", "犬が寝ている"), ("gbk", "狗在睡觉"), ("big5", "狗在睡覺"),
    ("euc_kr", "개가 자고 있다"), ("cp874", "สุนัขนอน"),
]  # fmt: skip


def file_of(content: bytes) -> TextFile:
    return TextFile(lambda: io.BytesIO(content), ExamplesError)


def text_of(content: bytes) -> str:
    return "".join(text for _, text in file_of(content).lines())


@pytest.mark.parametrize(
    ("codec", "encoding"),
    [
        ("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("utf-32", "utf-32"),
        ("utf-16-le", "utf-16"), ("utf-16-be", "utf-16"),
    ],
)  # fmt: skip
def test_unicode_is_read_in_every_encoding(codec: str, encoding: str) -> None:
    file = file_of(TEXT.encode(codec))
    numbered = [(1, "premise\thypothesis\r\n"), (2, "El niño está aquí.\tÑandú\n"), (3, "犬が寝ている\tأب\n")]
    assert list(file.lines()) == numbered
    assert file.encoding == encoding
    big_endian = b"\xfe\xff" + TEXT.encode("utf-16-be")
    assert text_of(big_endian) == TEXT
    assert text_of(b"\0\0\xfe\xff" + TEXT.encode("utf-32-be")) == TEXT


def test_utf_16_without_a_mark_is_known_in_any_script() -> None:
    chinese = "狗在睡觉,动物在休息\n" * 40
    assert text_of(chinese.encode("utf-16-le")) == text_of(chinese.encode("utf-16-be")) == chinese


@pytest.mark.parametrize("language", WESTERN)
def test_windows_1252_is_read_where_it_is_certain(language: str) -> None:
    text = f"first line\n{WESTERN[language]}\n" * 3
    file = file_of(text.encode("cp1252"))
    assert "".join(line for _, line in file.lines()) == text
    assert file.encoding == "windows-1252"


def test_windows_1252_is_seen_far_behind_the_start_too() -> None:
    text = "plain line\n" * 100_000 + "é café à côté\n" + "plain line\n" * 3
    assert text_of(text.encode("cp1252")) == text


@pytest.mark.parametrize(("codec", "text"), OTHERS)
def test_other_encodings_of_one_byte_are_never_taken_for_it(codec: str, text: str) -> None:
    with pytest.raises(ExamplesError, match=r"line 2, column \d+: byte 0x.. is not UTF-8; save the file as UTF-8"):
        text_of(f"first line\n{text}\n".encode(codec))


def test_utf_8_with_a_fault_is_not_taken_for_windows_1252() -> None:
    with pytest.raises(ExamplesError, match="line 2, column 4: byte 0xE9 is not UTF-8"):
        text_of("El niño\n".encode() + "café\n".encode("cp1252"))


@pytest.mark.parametrize("content", [b"\xff\n", b"a\xff\xfe\xfa\n", b"\x80\x81\n", b"\xe9\n"])
def test_stray_bytes_are_no_text(content: bytes) -> None:
    with pytest.raises(ExamplesError, match="line 2, column"):
        text_of(b"first line\n" + content)


def test_half_a_character_of_utf_16_is_refused() -> None:
    with pytest.raises(ExamplesError, match=r"line 4, column 1: what follows is no UTF-16 text"):
        text_of(TEXT.encode("utf-16") + b"a")
    with pytest.raises(ExamplesError, match=r"line 2, column 2: .* is not UTF-8|line 2, column 2"):
        text_of("ab\na".encode("utf-16") + b"\x00\xd8" + "b".encode("utf-16-le"))


@pytest.mark.parametrize(
    ("pack", "name"),
    [(gzip.compress, "gzip"), (bz2.compress, "bzip2"), (lzma.compress, "xz")],
    ids=["gzip", "bzip2", "xz"],
)
def test_compressed_text_is_unpacked_while_it_is_read(pack, name: str) -> None:  # type: ignore[no-untyped-def]
    content = TEXT.encode("utf-16")
    file = file_of(pack(content))
    assert "".join(text for _, text in file.lines()) == TEXT
    assert (file.compression, file.encoding) == (name, "utf-16")
    with pytest.raises(ExamplesError, match=f"the file is damaged: its {name} data cannot be unpacked"):
        text_of(pack(content * 50)[:-20])


def test_two_gzip_files_in_one_are_read_through() -> None:
    assert text_of(gzip.compress(b"one\n") + gzip.compress(b"two\n")) == "one\ntwo\n"


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = gzip.compress(b"one line of text\n" * (SMALL // 16), compresslevel=1)
    with pytest.raises(ExamplesError, match="the file unpacks to more than 64 MiB, 100 times its size"):
        for _ in file_of(bomb).blocks():
            pass


@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_the_line_ends_of_old_macs_are_line_ends(codec: str) -> None:
    file = file_of("one\rtwo\r\rfour".encode(codec))
    assert list(file.lines()) == [(1, "one\n"), (2, "two\n"), (3, "\n"), (4, "four")]


lines = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n\ufeff"), max_size=20))


@given(lines, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]), st.sampled_from(["\n", "\r\n"]))
def test_no_line_is_lost_or_changed_in_any_encoding(texts: list[str], codec: str, end: str) -> None:
    numbered = list(file_of((end.join(["start", *texts]) + end).encode(codec)).lines())
    assert numbered == [(number, text + end) for number, text in enumerate(["start", *texts], start=1)]


def test_what_is_compressed_twice_is_refused_as_that() -> None:
    content = gzip.compress(bz2.compress(b"premise\thypothesis\n"))
    with pytest.raises(ExamplesError, match="compressed twice, with bzip2 within gzip; unpack it once"):
        list(TextFile(lambda: io.BytesIO(content), ExamplesError).lines())
