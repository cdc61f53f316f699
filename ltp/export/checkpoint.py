"""A safetensors file whose tensors are made while it is written, so that a model of any size takes little memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import ClassVar

import numpy as np

from ltp import atomic_file
from ltp.tensorfile import Array, header_bytes


@dataclass(frozen=True)
class Made:
    """A tensor of fp32 that is yet to be made: `blocks` gives its elements in C order."""

    shape: tuple[int, ...]
    blocks: Callable[[], Iterator[Array]]
    dtype: ClassVar[np.dtype[np.float32]] = np.dtype(np.float32).newbyteorder("<")

    @property
    def nbytes(self) -> int:
        """Its size in the file."""
        return self.dtype.itemsize * prod(self.shape)


def write(path: Path, tensors: Mapping[str, Made], metadata: Mapping[str, str]) -> None:
    """Write tensors in the order given, each made once; a reader sees all of the file or none.

    Raises:
        ValueError: a tensor's blocks are not as many bytes as its shape says.
    """
    with atomic_file.new_content(path, durable=False) as file:
        file.write(header_bytes(tensors, metadata))
        for name, tensor in tensors.items():
            start = file.tell()
            for block in tensor.blocks():
                file.write(np.ascontiguousarray(block, tensor.dtype).data.cast("B"))
            if file.tell() - start != tensor.nbytes:
                raise ValueError(f"{name} has {file.tell() - start} bytes, and its shape {tensor.nbytes}")
