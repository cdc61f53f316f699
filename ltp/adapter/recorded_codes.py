"""int8 codes and their scales in an adapter's file: what its metadata says of them, and what is refused.

Beside every `delta/<name>` (K,) I8 stands `scales/<name>` (B,) F16, one scale a block of codes; a file has codes for
all its values or for none.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ltp.delta.codes import BLOCK, blocks_of
from ltp.delta.delta import Delta
from ltp.errors import CorruptArtifact
from ltp.tensorfile import Array, Entry, Header

RECORDED = "codes_per_scale"
LARGEST_FINITE = np.uint16(0x7BFF)
"""The bits of fp16's largest number: those of a negative one, an infinity or a NaN are above."""


def code_facts(delta: Delta) -> dict[str, str]:
    """What the metadata say; nothing where values are not codes."""
    return {RECORDED: str(BLOCK)} if delta.scales else {}


def check_layout(file: str, header: Header) -> None:
    """Refuse codes without the scales that they need, scales without codes, and codes beside other values.

    Raises:
        CorruptArtifact: naming the tensor.
    """
    if (told := header.metadata.get(RECORDED, str(BLOCK))) != str(BLOCK):
        raise CorruptArtifact(f"{file} has a scale for each {told:.40} codes; this program reads {BLOCK}")
    coded = RECORDED in header.metadata
    for name, entry in header.entries.items():
        kind, _, parameter = name.partition("/")
        if kind == "delta" and (entry.dtype == "I8") != coded:
            raise CorruptArtifact(f"{file}: {name} is {entry.dtype}, and its values are {'' if coded else 'not '}codes")
        if kind == "delta" and coded:
            _check_scales(file, parameter, entry, header.entries.get(f"scales/{parameter}"))
        if kind == "scales" and not (coded and f"delta/{parameter}" in header.entries):
            raise CorruptArtifact(f"{file}: {name} are scales of nothing")


def _check_scales(file: str, parameter: str, codes: Entry, scales: Entry | None) -> None:
    wanted = blocks_of(codes.shape[0])
    if scales is None or (scales.dtype, scales.shape) != ("F16", (wanted,)):
        found = "missing" if scales is None else f"{scales.dtype} of shape {scales.shape}"
        raise CorruptArtifact(f"{file}: scales/{parameter} is {found}; {codes.shape[0]} codes need F16 of ({wanted},)")


def check_finite(file: str, scales: Mapping[str, Array]) -> None:
    """Refuse scales that no encoding makes.

    Raises:
        CorruptArtifact: one is negative, infinite or NaN.
    """
    for name, array in scales.items():
        if array.view(np.uint16).max(initial=0) > LARGEST_FINITE:
            raise CorruptArtifact(f"{file}: scales/{name} has one that is no finite number from 0")
