"""Which column holds what, by the names that data sets and people give them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

Role = Literal["premise", "hypothesis", "label", "lang", "adapter"]

TEXTS: tuple[Role, Role] = ("premise", "hypothesis")

NAMES: dict[Role, tuple[str, ...]] = {
    "premise": (
        "premise", "sentence1", "sent1", "text1", "texta", "context", "premisa", "premissa", "premisse",
        "sentencea", "senta", "premisetext", "premisesentence", "evidence", "string1", "firstsentence",
        "premessa", "pramisse", "premis", "oncul", "oracion1", "frase1", "phrase1", "satz1", "kalimat1",
        "cumle1", "предложение1", "посылка", "前提", "전제", "문장1", "文1", "句子1", "مقدمه", "المقدمة",
    ),
    "hypothesis": (
        "hypothesis", "hypo", "hyp", "sentence2", "sent2", "text2", "textb", "hipotesis", "hipotese", "hypothese",
        "sentenceb", "sentb", "hypothesistext", "hypothesissentence", "claim", "string2", "secondsentence",
        "ipotesi", "hipotez", "oracion2", "frase2", "phrase2", "satz2", "kalimat2", "cumle2",
        "предложение2", "гипотеза", "仮説", "假设", "假設", "가설", "문장2", "文2", "句子2", "فرضیه", "الفرضية",
    ),
    "label": (
        "goldlabel", "label", "labels", "entailmentlabel", "entailmentjudgment", "entailmentjudgement", "gold",
        "labeltext", "labelname", "etiqueta", "rotulo", "etiquette", "etichetta", "etiket", "метка",
        "标签", "標籤", "ラベル", "라벨", "برچسب",
    ),
    "lang": ("lang",),
    "adapter": ("adapter",),
}  # fmt: skip
"""Accepted names, compared as `fold` leaves them; the earlier wins. `gold_label` comes before `label`, which in a file
that went through a model may be the model's. `language` is no `lang`: in AmericasNLI it describes the row, and a file
predicted with another language's adapter must not be routed by it. In fact checking the claim is what follows, or does
not, from the evidence."""

LESSER_NAMES: dict[Role, tuple[str, ...]] = {
    "premise": ("t", "text", "s1"),
    "hypothesis": ("h", "s2"),
    "label": ("entailment", "judgment", "judgement", "verdict"),
}
"""Names that might as well be a cell of a row: they count where no other name does, and tell a header
only where both texts have one."""

LANGUAGE_NAMES = (
    "lang", "language", "languagecode", "langcode", "languageid", "langid", "languagetag", "languagename",
    "langname", "languageiso", "langiso", "hypothesislang", "hypothesislanguage", "premiselang", "premiselanguage",
    "targetlang", "targetlanguage", "tgtlang", "locale", "iso", "iso3",
    "isocode", "iso6391", "iso6393", "lugha", "idioma", "langue", "sprache", "lingua", "bahasa", "dil", "язык",
    "语言", "言語", "언어",
)  # fmt: skip
"""Names of a column that says which language a row is in, as `fold` leaves them; the earlier wins."""

_NO_LANGUAGE = {
    "raw", "tok", "pos", "dep", "len", "ids", "idx", "uid", "lem", "ner", "bin", "url", "src", "tag", "txt", "id", "no",
}  # fmt: skip
"""What else stands behind a column's name and is as short as a language's tag."""
_TAG = r"[A-Za-z]{2,3}(?:[-_][A-Z][a-z]{3})?(?:[-_][A-Z]{2})?"
_SUFFIXED = re.compile(rf"(?P<base>.+?)[_.\- ](?P<lang>{_TAG})")
_PREFIXED = re.compile(rf"(?P<lang>{_TAG})[_.\- ](?P<base>.+)")


class AmbiguousColumns(ValueError):
    """Two columns carry the same name."""


def fold(name: str) -> str:
    """`Sentence 1`, `sentence_1` and `SENTENCE1` are one name; accents do not count, nor whether an i has its dot."""
    plain = unicodedata.normalize("NFKD", name.casefold()).replace("ı", "i")
    return "".join(character for character in plain if character.isalnum())


_FOLDED: dict[Role, tuple[str, ...]] = {role: tuple(dict.fromkeys(map(fold, names))) for role, names in NAMES.items()}
_ROLE_OF: dict[str, Role] = {name: role for role, names in reversed(_FOLDED.items()) for name in names}


@lru_cache(maxsize=256)
def find_columns(names: tuple[str, ...]) -> Mapping[Role, int]:
    """The index in `names` for each role that has a column. Raises AmbiguousColumns."""
    folded = [fold(name) for name in names]
    columns: dict[Role, int] = {}
    for role, accepted in _FOLDED.items():
        for name in accepted:
            at = [index for index, candidate in enumerate(folded) if candidate == name]
            if len(at) > 1:
                raise AmbiguousColumns(f"two columns are named {names[at[1]]!r}; rename one of them")
            if at:
                columns[role] = at[0]
                break
    return MappingProxyType(columns)


def lesser_columns(names: Iterable[str]) -> dict[Role, str]:
    """The columns with one of LESSER_NAMES, by role."""
    by_name = {fold(name): name for name in names}
    found = {role: [by_name[name] for name in lesser if name in by_name] for role, lesser in LESSER_NAMES.items()}
    return {role: columns[0] for role, columns in found.items() if columns}


def roles_in_header(names: tuple[str, ...]) -> Mapping[Role, int]:
    """As `find_columns`, with the texts of the first language, or of lesser names, where there are no others."""
    found = find_columns(names)
    if set(TEXTS) & set(found):
        return found
    lesser = lesser_columns(names)
    texts = next(iter(columns_by_language(names).values()), lesser if set(TEXTS) <= set(lesser) else {})
    return {**found, **{role: names.index(name) for role, name in texts.items()}}


def columns_by_language(names: Iterable[str]) -> dict[str, dict[Role, str]]:
    """The columns whose names carry a language's tag (`sentence1_sw`, `en_premise`), by tag and role.

    Only languages that have both texts are given.
    """
    return {lang: roles for lang, roles in _tagged(names).items() if set(TEXTS) <= set(roles)}


def half_columns(names: Iterable[str]) -> dict[str, tuple[Role, str]]:
    """The only text of a language that has one of the two (`hypothesis_sw` beside `premise`), by tag."""
    tagged = _tagged(names)
    halves = {lang: [role for role in TEXTS if role in roles] for lang, roles in tagged.items()}
    return {lang: (found[0], tagged[lang][found[0]]) for lang, found in halves.items() if len(found) == 1}


def _tagged(names: Iterable[str]) -> dict[str, dict[Role, str]]:
    found: dict[str, dict[Role, str]] = {}
    for name in names:
        for pattern in (_SUFFIXED, _PREFIXED):
            tagged = pattern.fullmatch(name)
            role = _ROLE_OF.get(fold(tagged["base"])) if tagged else None
            if tagged and role in {*TEXTS, "label"} and tagged["lang"].casefold() not in _NO_LANGUAGE:
                found.setdefault(tagged["lang"], {}).setdefault(role, name)
                break
    return found


def language_column(names: Iterable[str]) -> str | None:
    """The column that says which language a row is in."""
    folded = {fold(name): name for name in reversed(list(names))}
    return next((folded[name] for name in map(fold, LANGUAGE_NAMES) if name in folded), None)
