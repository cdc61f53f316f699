"""Exports whose headers lie, each from a number alone.

Most have right checksums, as a forger can compute them, so that it is the content that has to be refused.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from ltp.delta.header_checksum import CHECKSUM, NOT_COVERED, _digest
from ltp.tensorfile import DTYPES

DEEP = 90_000
TREES: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 10**4000, 0.5, -0.0, 1e308, "", "x", "\0",
    "é" * 300, "x" * 100_000,
    [], {}, [[]], [[1], [2]], [None], [True], [0.5], ["a", "a"], {"": 1}, {"a": {"b": []}}, [1] * 20_000, [[]] * 5000,
]  # fmt: skip
TEXTS = [
    "", "null", "[", "{", "[" * DEEP, '{"a":' * DEEP, "[" * DEEP + "]" * DEEP, "NaN", "[Infinity]", "[-Infinity]",
    "1e400", '"\\ud800"', '["\\udfff"]', '{"\\ud800": 1}', "1" + "0" * 4000, "[1,]", '{"a":1,"a":2}', "\ufeff[]",
    "[1] 2",
]  # fmt: skip
FIELDS = (
    "names", "exponents", "template", "ticket", "notes", "method", "strategy", "backbone", "ticket_sha256", "format",
    "version", "data_sha256", "ticket.names", "ticket.shapes", "ticket.counts", "ticket.config", "ticket.strategy",
    "ticket.mask_sha256", "ticket.format", "ticket.backbone", "text_form",
)  # fmt: skip
OF_JSON = {"names", "exponents", "template", "shapes", "counts", "config", "notes"}
JSON_FIELDS = [field for field in FIELDS if field.rpartition(".")[2] in OF_JSON]
OTHER_NAMES = ("\ud800", "mask/\udfff", "delta/", "rows/x", "", "x" * 9999, "head/dense.weight")


class Forger:
    """Makes forgeries of one export, each from its number alone."""

    def __init__(self, exported: bytes, *, seed: int = 0) -> None:
        length = int.from_bytes(exported[:8], "little")
        self._header: dict[str, Any] = json.loads(exported[8 : 8 + length])
        self._data, self._seed = exported[8 + length :], seed

    def forge(self, number: int) -> bytes:
        """Forgery `number`."""
        chance = random.Random(self._seed * 1_000_003 + number)
        header = json.loads(json.dumps(self._header))
        kinds: list[Callable[[random.Random, dict[str, Any]], None]] = [_field, _node, _node, _node, _entry, _metadata]
        for _ in range(chance.choice((1, 1, 1, 2))):
            chance.choice(kinds)(chance, header)
        if chance.random() < 0.9:
            _sign(header)
        return self._written(chance, header)

    def _written(self, chance: random.Random, header: dict[str, Any]) -> bytes:
        raw = json.dumps(header).encode()
        if chance.random() < 0.1:
            raw = chance.choice(
                (raw[:-1], raw + b"x", raw * 2, b"[" * DEEP, b"\xff" + raw, raw.replace(b"a", b"\\ud800", 1))
            )
        length = len(raw) + (chance.choice((-1, 1, 10**6, 2**62)) if chance.random() < 0.05 else 0)
        return max(0, length).to_bytes(8, "little") + raw + self._data


def _sign(header: dict[str, Any]) -> None:
    """Put the checksum right, if the header still has a form that has one."""
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict):
        return
    try:
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        layout = {
            name: [DTYPES.get(entry["dtype"], entry["dtype"]), *entry["shape"]] for name, entry in entries.items()
        }
        metadata[CHECKSUM] = _digest(layout, {key: value for key, value in metadata.items() if key not in NOT_COVERED})
    except (TypeError, KeyError):
        return


def _get(metadata: dict[str, Any], field: str) -> str:
    outer, _, inner = field.partition(".")
    value = metadata[outer]
    return str(json.loads(value)[inner]) if inner else str(value)


def _put(metadata: dict[str, Any], field: str, text: str) -> None:
    outer, _, inner = field.partition(".")
    metadata[outer] = json.dumps({**json.loads(metadata[outer]), inner: text}) if inner else text


def _field(chance: random.Random, header: dict[str, Any]) -> None:
    """Another text in place of a field."""
    text = chance.choice(TEXTS) if chance.random() < 0.6 else json.dumps(chance.choice(TREES))
    _safely(lambda: _put(header["__metadata__"], chance.choice(FIELDS), text))


def _node(chance: random.Random, header: dict[str, Any]) -> None:
    """Another value somewhere inside a field's JSON."""
    field = chance.choice(JSON_FIELDS)

    def change() -> None:
        tree = {"": json.loads(_get(header["__metadata__"], field))}
        node: Any = tree
        key: Any = ""
        while isinstance(node[key], dict | list) and node[key] and chance.random() < 0.8:
            node = node[key]
            key = chance.choice(list(node)) if isinstance(node, dict) else chance.randrange(len(node))
        if chance.random() < 0.3 and isinstance(node, dict):
            node[chance.choice(("extra", "", "\0", "lang", "layers"))] = chance.choice(TREES)
        elif chance.random() < 0.2:
            del node[key]
        else:
            node[key] = chance.choice(TREES)
        _put(header["__metadata__"], field, json.dumps(tree.get("")))

    _safely(change)


def _entry(chance: random.Random, header: dict[str, Any]) -> None:
    """Another dtype, shape, range or name of a tensor."""
    name = chance.choice([name for name in header if name != "__metadata__"])
    if chance.random() < 0.3:
        header[chance.choice(OTHER_NAMES)] = header.pop(name)
    elif chance.random() < 0.2:
        header[name] = chance.choice(TREES)
    else:
        part = chance.choice(("dtype", "shape", "data_offsets"))
        header[name] = {**header[name], part: chance.choice([*TREES, "F32", "F16", [2**47] * 8, [0, 2**60], [5, 1]])}


def _metadata(chance: random.Random, header: dict[str, Any]) -> None:
    """Another value in place of a text, or of all of them."""
    if chance.random() < 0.3:
        header["__metadata__"] = chance.choice(TREES)
    elif isinstance(header.get("__metadata__"), dict):
        header["__metadata__"][chance.choice(FIELDS).partition(".")[0]] = chance.choice(TREES)


def _safely(change: Callable[[], None]) -> None:
    """An earlier change may have left nothing of what this one is about."""
    try:
        change()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return
