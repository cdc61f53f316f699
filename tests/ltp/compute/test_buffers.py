"""Tensors carved from one stretch are apart, aligned, and of the shapes and types asked for."""

import torch

from ltp.compute.buffers import ALIGNMENT, allocate

WANTED = [
    ((3, 5), torch.float32),
    ((7,), torch.bfloat16),
    ((0, 4), torch.float32),
    ((), torch.int32),
    ((2, 1), torch.float16),
]


def test_tensors_do_not_overlap() -> None:
    tensors = allocate(WANTED)
    assert [(tuple(tensor.shape), tensor.dtype) for tensor in tensors] == WANTED
    assert all(tensor.is_contiguous() and not tensor.data_ptr() % ALIGNMENT for tensor in tensors if tensor.numel())
    for number, tensor in enumerate(tensors):
        tensor.fill_(number)
    assert all((tensor == number).all() for number, tensor in enumerate(tensors))


def test_the_memory_outlives_its_neighbours() -> None:
    kept = allocate([((1000,), torch.float32), ((1000,), torch.float32)])[1].fill_(3)
    allocate([((1000,), torch.float32)])[0].fill_(4)
    assert (kept == 3).all()
    assert allocate([]) == []
