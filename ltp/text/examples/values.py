"""What stands in a cell: texts nested in JSON or in several languages, two texts in one, words that are labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ltp.text.examples.annotations import plain_judgements
from ltp.text.files.record import Record
from ltp.text.label_words import label_of_word

SEPARATORS = re.compile(r"\s*(?:<sep>|\[sep\]|</s>\s*</s>|\|\|\|)\s*", re.IGNORECASE)
"""What parts premise and hypothesis where one column holds both."""


def value_at(record: Record, name: str | None) -> Any:
    """A record's value by column or path; of XNLI's lists of translations, too (`hypothesis.sw`)."""
    value = record.value(name)
    if value is None and name and "." in name:
        base, _, lang = name.rpartition(".")
        return translations(record.value(base)).get(lang)
    return value


def translations(value: object) -> Mapping[str, Any]:
    """One text in several languages: `{"sw": ...}` or `{"language": ["sw"], "translation": [...]}`."""
    if not isinstance(value, Mapping):
        return {}
    languages, texts = value.get("language"), value.get("translation")
    if isinstance(languages, list) and isinstance(texts, list):
        return dict(zip(languages, texts, strict=False))
    return {key: text for key, text in value.items() if isinstance(text, str)}


def nested_names(fields: Mapping[str, Any], depth: int) -> Iterator[str]:
    """The paths to what a record holds nested, some levels deep."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            for inner in value if depth == 1 else (*value, *nested_names(value, depth - 1)):
                yield f"{name}.{inner}"


def is_parted(value: object) -> bool:
    """Whether a cell holds two texts."""
    return isinstance(value, str) and len(SEPARATORS.findall(value)) == 1


def is_label_word(value: object) -> bool:
    """Whether a cell holds a word that stands for a label, or several."""
    said = plain_judgements(value).values
    return bool(said) and all(isinstance(one, str) and label_of_word(one) is not None for one in said)


def is_label(value: object) -> bool:
    """Whether a cell may be a label of the common kinds."""
    return is_label_word(value) or str(value).strip() in {"-", "-1", "0", "1", "2"}
