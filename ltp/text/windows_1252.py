"""Whether bytes that are not UTF-8 are Windows-1252 for certain, as Western European programs write. Imports no torch.

Any bytes can be read as Windows-1252, and most other encodings of one byte a character look like it in places. So
all of this has to hold, or nobody can tell: every letter beyond ASCII belongs to one language that is written in
Windows-1252, no word is made of such letters, and no sign stands inside a word. Text in Turkish, Hungarian, Polish,
Russian or Greek encodings, in those of DOS or of old Macs, fails one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

ALPHABETS = {
    "Afrikaans": "áäéèêëíîïóôöúûü",
    "Catalan": "àáçéèíïóòúü",
    "Danish and Norwegian": "æøåáàéèêóòôöäü",
    "Dutch": "áàäçéèêëíïóöúüñ",
    "French": "àâäæçéèêëîïñôöœùûü",
    "German": "äöüßéèàçñ",
    "Italian": "àáèéìíîòóùú",
    "Portuguese": "áàâãçéêèíóôõúü",
    "Spanish": "áéíóúüñç",
    "Swedish and Finnish": "åäöéèàüšžæø",
    "Wolof": "àãéëñóç",
}
"""The letters beyond ASCII of each language, and of its usual loans. Icelandic is missing: Turkish looks like it."""
_ALIKE = (("õ", "ãç"), ("û", "èêàçîë"))
"""A letter that is another one in Hungarian, and those of which one must be there besides."""
_FOREIGN = "À-ÖØ-öø-ÿŠŒŽšœžŸƒ"
_LETTER = f"[a-zA-Z{_FOREIGN}]"
_WORDS = re.compile(f"{_LETTER}+")
_FOREIGN_LETTERS = re.compile(f"[{_FOREIGN}]")
_NO_SIGN = re.compile(f"[\x80-\x9f¤¦¨¬¯¸ˆ˜†‡]|{_LETTER}[“”‘‚„…‰‹›¡¢£¥§©ª«®±²³¶¹º»¼½¾¿€™×÷µ\xa0\xad](?={_LETTER})")
_INSIDE = re.compile(f"[a-zA-Z][{_FOREIGN}]|[{_FOREIGN}][a-zA-Z]")
_DASHED = re.compile(f"{_LETTER}[–—]{_LETTER}")
_CAPITAL_INSIDE = re.compile(r"[a-zà-öø-ÿœšž][À-ÖØ-ÞŠŽŒŸ]")


class Plausibility:
    """What the texts of a file have shown so far."""

    def __init__(self) -> None:
        self._letters: set[str] = set()
        self._inside = False  # whether such a letter stands in a word, where it can only be a letter
        self._dashed = False  # whether a dash joins two letters, which is how an ñ of old Macs looks
        self._ruled_out = False

    def see(self, text: str) -> None:
        """Look at some text of the file, whole lines of it."""
        if self._ruled_out or text.isascii():
            return
        self._letters.update(letter.lower() for letter in _FOREIGN_LETTERS.findall(text))
        self._dashed = self._dashed or bool(_DASHED.search(text))
        self._inside = self._inside or bool(_INSIDE.search(text))
        wrong = _NO_SIGN.search(text) or _CAPITAL_INSIDE.search(text)
        self._ruled_out = bool(wrong) or any(map(_is_foreign, _WORDS.findall(text)))

    @property
    def holds(self) -> bool:
        """Whether all of it is text of one language that is written so."""
        if self._ruled_out or any(
            letter in self._letters and not self._letters & set(besides) for letter, besides in _ALIKE
        ):
            return False
        if (self._letters or self._dashed) and not self._inside:
            return False
        return any(self._letters <= set(alphabet) for alphabet in ALPHABETS.values())


def _is_foreign(word: str) -> bool:
    """Whether a word of several letters has more than two of them beyond ASCII in a row, or no other."""
    return len(word) > 1 and (not re.search("[a-zA-Z]", word) or bool(re.search("[^a-zA-Z]{3}", word)))


def plausible(texts: Iterable[str]) -> bool:
    """Whether these texts, read as Windows-1252, are certain to be it."""
    seen = Plausibility()
    for text in texts:
        seen.see(text)
    return seen.holds
