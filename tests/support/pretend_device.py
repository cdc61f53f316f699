"""A device that is none, for tests: what lies on `meta` computes on the CPU, and is never mixed with what lies there.

`LTP_DEVICE=meta pytest -p support.pretend_device -m device` runs the tests of devices where there is no GPU. A tensor
of the CPU that meets one of the device in an operation, which CUDA refuses, is refused here, and so is reading a
device's tensor from Python's side other than by asking for its numbers. It changes torch for the whole process.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

PRETENDED = "meta"
"""torch knows of it without any driver, and gives it to nothing by itself."""
MAY_MIX = ("aten::index", "aten::index_put", "aten::_index_put_impl", "aten::copy", "aten::_to_copy")
"""Indices may lie on the CPU, and copying goes from one device to another."""


class There(torch.Tensor):
    """A tensor that says it is on the device; `inner` holds its numbers."""

    inner: torch.Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> There:
        return torch.Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=PRETENDED,
        )

    def __init__(self, inner: torch.Tensor) -> None:
        self.inner = inner

    def __repr__(self) -> str:
        return f"There({self.inner})"

    def tolist(self) -> Any:
        return self.inner.tolist()

    @classmethod
    def __torch_dispatch__(cls, operation: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        return compute(operation, args, kwargs or {})


class Pretending(TorchDispatchMode):
    """Has what is made on the device be made so."""

    def __torch_dispatch__(self, operation: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        return compute(operation, args, kwargs or {})


def compute(operation: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Compute on the CPU; the result is there if an operand was, or if it is asked for there."""
    name = operation._schema.name.rstrip("_")
    if name == "aten::_fused_sdp_choice":
        return 0  # the plain one: what a processor has besides does not ask here
    tensors = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, torch.Tensor)]
    there = [each for each in tensors if isinstance(each, There)]
    here = [tuple(each.shape) for each in tensors if not isinstance(each, There) and each.dim()]
    if there and here and name not in MAY_MIX:
        raise RuntimeError(f"{operation} mixes devices: {here} are on the CPU")
    device = kwargs.get("device")
    asked = device is not None and torch.device(device).type == PRETENDED
    given = kwargs | ({"device": torch.device("cpu")} if asked else {})
    result = operation(*tree_map(_inner, args), **tree_map(_inner, given))
    if name == "aten::copy" or (operation._schema.is_mutable and there and isinstance(args[0], There)):
        return args[0] if isinstance(result, torch.Tensor) else result
    if not (asked if device is not None else there):
        return result
    return tree_map(lambda each: There(each) if isinstance(each, torch.Tensor) else each, result)


def _inner(each: Any) -> Any:
    return each.inner if isinstance(each, There) else each


_tensor, _generator = torch.tensor, torch.Generator


def _tensor_there(data: Any, *, device: Any = None, dtype: Any = None) -> torch.Tensor:
    made = _tensor(data, dtype=dtype)  # torch itself makes none with numbers on `meta`
    return made if device is None else made.to(device)


torch.tensor = _tensor_there
torch.Tensor.pin_memory = lambda self: self  # type: ignore[assignment,method-assign]
torch.inference_mode = torch.no_grad  # type: ignore[assignment,misc]  # tensors that wrap others cannot be of that mode


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Pretend while a test runs."""
    torch.Generator = lambda _="cpu": _generator("cpu")  # type: ignore[assignment,misc]
    try:
        with Pretending():
            return (yield)
    finally:
        torch.Generator = _generator  # type: ignore[misc]
