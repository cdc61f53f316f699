"""The words that stand for a label: those of public data sets, and those of the languages people label in.

Words of languages are the usual terms of logic for *entailment* (or *implication*), *neutral* and *contradiction*. They
were written down without a dictionary at hand: a speaker who knows better should mend them. Words of fact checking are
FEVER's, SciFact's and HealthVer's, `not mentioned` is ContractNLI's, the sentences with A and B are SICK's, and
`Entail_or_Paraphrase` and `NotEntail` are WReTE's. A word that a data set uses for something else besides (ASSIN's
`None`, a bare yes or no) is not here: whoever knows the set says what it means.
"""

from __future__ import annotations

from functools import lru_cache

from ltp.config import Label
from ltp.text.columns import fold

_SHORTEST = 3
"""More letters has a word that is told from others with a number beside it: `c2` is no contradiction."""
_WORDS: dict[Label, str] = {
    "entailment": """
        e, ent, entail, entails, entailed, entailing, entailment, implies, implied, implication
        support, supports, supported, entail or paraphrase, A entails B
        implicación, implica, entrañamiento | implicação, acarretamento, acarreta | implique
        Implikation, impliziert, Folgerung | implicazione | implicatie, impliceert | implicació
        inplikazio, inplikazioa | implicație, implicare | wynikanie | vyplývání | következmény | implikaatio | implikasi
        следование, следствие, импликация | слідування | συνεπαγωγή | gerektirme | kéo theo
        蕴含, 蕴涵, 蘊含, 蘊涵 | 含意 | 함의 | استلزام | निहितार्थ | גרירה
    """,
    "neutral": """
        n, neu, neutral, neutrality, A neutral B
        not enough info, not enough information, nei, not mentioned
        neutro, neutra | neutre | neutrale | neutraal | neutrala, neutroa | neutru | neutralny, neutralne, neutralna
        neutrální | semleges | neutraali | netral
        нейтральный, нейтральное, нейтральная, нейтрально, нейтральность | нейтральний
        неутрален, неутрално
        ουδέτερο, ουδέτερη, ουδετερότητα | nötr, tarafsız | trung lập, trung tính
        中立, 中性 | 중립 | محايد, حياد | خنثی, خنثى | غیر جانبدار | तटस्थ | নিরপেক্ষ | เป็นกลาง | நடுநிலை
        נייטרלי, ניטרלי
    """,
    "contradiction": """
        c, con, contradict, contradicts, contradicted, contradicting, contradictory, contradiction, A contradicts B
        refute, refutes, refuted
        contradicción, contradice, contradictorio, contradictoria | contradição, contradiz, contraditório, contraditória
        contredit, contradictoire | Widerspruch, widerspricht, widersprüchlich, Kontradiktion
        contraddizione, contraddice, contraddittorio | tegenspraak, contradictie | contradicció | contradición
        kontraesan, kontraesana | contradicție | sprzeczność, sprzeczne | rozpor, kontradikce | ellentmondás
        ristiriita | motsägelse | modsigelse | motsigelse | kontradiksi, percanggahan | ukinzani
        противоречие, противоречит | суперечність, протиріччя | αντίφαση | çelişki, çelişme | mâu thuẫn
        矛盾 | 모순 | تناقض, متناقض, تضاد | विरोधाभास | ขัดแย้ง | முரண்பாடு | סתירה
    """,
    "not_entailment": """
        not entailment, non entailment, no entailment, not entail, not entails, not entailed, non entailed
        does not entail, unentailed, no implicación, no implica, não implica, non implication, non implicazione
        不蕴含, 非蕴含 | 非含意
    """,
}


WORDS: dict[str, Label] = {
    fold(word): label
    for label, words in _WORDS.items()
    for word in words.replace("|", ",").replace("\n", ",").split(",")
    if fold(word)
}
"""The label of every word, by the word as `fold` leaves it."""

_NUMBERED = {word: label for word, label in WORDS.items() if len(word) > _SHORTEST}
_SHORT: dict[str, Label] = {"ne": "not_entailment"}
"""Too short to be told from other words in a file; where only labels can stand it is clear."""


@lru_cache(maxsize=4096)
def label_of_word(word: str) -> Label | None:
    """The label that a word of a file stands for, or None. Numbers are no words; beside one (`0 - neutral`) they go."""
    folded = fold(word)
    return WORDS.get(folded) or _NUMBERED.get(folded.strip("0123456789"))


def named_label(word: str) -> Label | None:
    """The label that somebody names who can name nothing else."""
    return _SHORT.get(fold(word)) or label_of_word(word)
