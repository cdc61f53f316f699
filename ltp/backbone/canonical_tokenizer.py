"""What of a `tokenizer.json` decides ids, in one form whatever program wrote the file. Imports no torch.

Kept are the pieces in order, their scores at fp32, and what normalises, parts, adds to and frames a text, the special
tokens among it. Left out is what no id depends on: layout, order of keys, the decoder, settings of truncation and
padding, token types (XLM-R has one). Fields that a program leaves out when they have their default are filled in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ltp import strict_json
from ltp.errors import BackboneIncomplete

Component = dict[str, Any]

_MEMBERS = ("normalizers", "pretokenizers", "processors")
"""Where a `Sequence` of each kind has its components."""
_DEFAULTS: dict[str, Component] = {
    "Unigram": {"unk_id": None, "byte_fallback": False},
    "BPE": {
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
    },
    "Metaspace": {"prepend_scheme": "always", "split": True},
    "ByteLevel": {"add_prefix_space": True, "use_regex": True},
}
_ADDED: Component = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": True}


def meaning(path: Path) -> Iterator[bytes]:
    """Yield what the ids of every text follow from, the same bytes for every file of the same meaning.

    Raises:
        BackboneIncomplete: the file is missing, or no tokenizer's.
    """
    if not path.is_file():
        raise BackboneIncomplete(f"{path.parent} holds no {path.name}")
    try:
        whole = _object(strict_json.tree(path.read_bytes()))
        model = _filled(_object(whole["model"]))
        pieces, scores = _vocabulary(model.pop("vocab"))
        steps = {name: _steps(whole.get(name)) for name in ("normalizer", "pre_tokenizer", "post_processor")}
        added = sorted((_added(_object(token)) for token in whole.get("added_tokens") or []), key=lambda each: each[0])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackboneIncomplete(f"{path} cannot be read as a tokenizer: {error!r:.300}") from error
    yield _text({**steps, "model": model, "added_tokens": added})
    yield _text(pieces)
    yield scores


def _text(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, allow_nan=False).encode()


def _object(value: object) -> Component:
    if not isinstance(value, dict):
        raise ValueError(f"{type(value).__name__} where an object is expected")
    return value


def _vocabulary(vocabulary: object) -> tuple[list[Any], bytes]:
    """Part a vocabulary into its pieces, in the order of their ids, and their scores, if they have any."""
    if isinstance(vocabulary, dict):
        return sorted(vocabulary.items(), key=lambda item: item[1]), b""
    if not isinstance(vocabulary, list):
        raise ValueError(f"{type(vocabulary).__name__} where a vocabulary is expected")
    with np.errstate(over="ignore"):
        scores = np.array([float(score) for _, score in vocabulary]).astype("<f4") + np.float32(0)  # -0 becomes 0
    if not np.isfinite(scores).all():
        raise ValueError("a piece's score is not finite in fp32")
    return [piece for piece, _ in vocabulary], scores.tobytes()


def _steps(component: object) -> list[Component]:
    """List the components that work one after the other; a sequence within a sequence is no other sequence."""
    if component is None:
        return []
    fields = _object(component)
    if fields.get("type") == "Sequence":
        return [step for name in _MEMBERS for member in fields.get(name) or [] for step in _steps(member)]
    return [_filled(fields)]


def _filled(component: Component) -> Component:
    """Write a component with every field that it has by default, and without those that decide nothing."""
    kind = component.get("type")
    fields = {name: value for name, value in component.items() if name not in ("str_rep", "trim_offsets")}
    if kind == "Metaspace" and fields.pop("add_prefix_space", True) is False:
        fields["prepend_scheme"] = "never"  # as it was written before there were three schemes
    if kind == "BPE":
        fields["merges"] = [pair.split(" ") if isinstance(pair, str) else pair for pair in fields["merges"]]
    if kind == "TemplateProcessing":
        return _template(fields)
    return _DEFAULTS.get(str(kind), {}) | fields


def _template(fields: Component) -> Component:
    """Write a template with the ids that it adds."""
    ids = {name: special["ids"] for name, special in fields["special_tokens"].items()}

    def items(name: str) -> list[Any]:
        pieces = [next(iter(piece.items())) for piece in fields[name]]
        return [ids[fact["id"]] if kind == "SpecialToken" else fact["id"] for kind, fact in pieces]

    return {"type": "TemplateProcessing", "single": items("single"), "pair": items("pair")}


def _added(token: Component) -> list[Any]:
    fields = _ADDED | token
    return [fields["id"], fields["content"], *(bool(fields[name]) for name in _ADDED)]
