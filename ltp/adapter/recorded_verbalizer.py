"""The label space and the words of a verbalizer in an adapter's metadata: written always, and absent from older files.

A file without them is three-way, with its method's usual words. The file's version follows from what it answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated

from annotated_types import MaxLen
from pydantic import TypeAdapter

from ltp import strict_json
from ltp.adapter.recorded_codes import RECORDED as CODES
from ltp.calibration import MOST_LABELS
from ltp.config import LABEL_SPACES, LabelSpace
from ltp.errors import CorruptArtifact, InvalidConfig
from ltp.model.methods import METHODS, Method
from ltp.model.verbalizer import LONGEST_WORD, Verbalizer, verbalizer_of

VERSION, OTHER_ANSWERS, CALIBRATED, CODED = VERSIONS = "1", "2", "3", "4"
"""Of the format. The second is a file's whose labels or words are not its method's usual ones, the third a file's whose
logits are calibrated before they are answers: a program that knows earlier ones alone would answer otherwise. The
fourth is any file's whose values are int8 codes."""
SPACE, WORDS, CALIBRATION = "label_space", "verbalizer", "calibration"
RECORDED = TypeAdapter[dict[str, str]](Annotated[dict[str, Annotated[str, MaxLen(LONGEST_WORD)]], MaxLen(MOST_LABELS)])


def verbalizer_facts(verbalizer: Verbalizer) -> dict[str, str]:
    """Return what the metadata say; no words are an empty text."""
    words = verbalizer.by_label
    told = "" if words is None else json.dumps(words, ensure_ascii=False, allow_nan=False)
    return {SPACE: verbalizer.label_space, WORDS: told}


def version_of(verbalizer: Verbalizer, method: Method, *, calibrated: bool, coded: bool) -> str:
    """Return the version that a file with these answers has."""
    if coded:
        return CODED
    if calibrated:
        return CALIBRATED
    return VERSION if verbalizer == verbalizer_of(method) else OTHER_ANSWERS


def recorded_label_space(file: str, facts: Mapping[str, str]) -> LabelSpace:
    """Return the label space. Raises CorruptArtifact if there is no such one."""
    space = facts.get(SPACE, "three_way")
    if space not in LABEL_SPACES:
        raise CorruptArtifact(f"{file} names label space {space:.40}; there are {', '.join(LABEL_SPACES)}")
    return space


def recorded_verbalizer(file: str, facts: Mapping[str, str]) -> Verbalizer | None:
    """Return what the metadata say, or None where they say nothing.

    Raises:
        CorruptArtifact: the words are not those of the space's labels, or the method has none, or has some, or the
            file's version is not that of such answers.
    """
    space, told, method = recorded_label_space(file, facts), facts.get(WORDS), facts["method"]
    if method not in METHODS:
        raise CorruptArtifact(f"{file} is of method {method:.40}; there are {', '.join(METHODS)}")
    if told is None and not {SPACE, CALIBRATION} & facts.keys() and facts["version"] == VERSION:
        return None
    recipe = METHODS[method]
    if bool(told) == recipe.classifies:
        raise CorruptArtifact(f"{file}: its verbalizer is {told!r:.80}, which method {method} cannot have")
    try:
        verbalizer = verbalizer_of(method, space, strict_json.read(told, RECORDED) if told else None)
    except (InvalidConfig, ValueError) as error:
        raise CorruptArtifact(f"{file}: its verbalizer cannot be: {error!s:.200}") from error
    if facts["version"] != version_of(verbalizer, method, calibrated=CALIBRATION in facts, coded=CODES in facts):
        raise CorruptArtifact(f"{file} is of version {facts['version']}, and answers {verbalizer.by_label or space}")
    return verbalizer
