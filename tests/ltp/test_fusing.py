"""Fusing blocks into buffers gives the bits of decoding, adding and rounding whole tensors; positions stay bounded."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import random_changes, random_ticket

from ltp.backbone.architecture import WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.delta import encode, fuse, fusing, positions_in
from ltp.fusing import BLOCK, PIECE, Fusing, fuse_all, fuse_into
from ltp.places import Places


def made_up(size: int, density: float, *, seed: int, dtype: torch.dtype = torch.float16) -> Fusing:
    generator = np.random.default_rng(seed)
    places = np.flatnonzero(generator.random(size) < density).astype(np.int32)
    values = torch.from_numpy(generator.normal(size=len(places)) * 1000).to(dtype)
    pristine = torch.from_numpy(generator.normal(size=size).astype(np.float32))
    return Fusing(torch.empty(size), pristine, values, 17, torch.from_numpy(places))


def plain(tensor: Fusing) -> torch.Tensor:
    """What fusing means."""
    fused = tensor.pristine.clone().view(-1)
    fused[tensor.positions.long()] += tensor.values.float() * 2.0**-tensor.exponent
    return fused.view_as(tensor.pristine)


def bits(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.view(torch.int16 if tensor.dtype == torch.bfloat16 else torch.int32)


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("target", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("stored", [torch.float16, torch.float32])
@pytest.mark.parametrize("size", [1, PIECE + 1, BLOCK, 3 * BLOCK + 5])
def test_a_buffer_gets_the_bits_of_the_whole_computation(size: int, stored, target, threads: int) -> None:
    for density in (0.0, 0.3, 1.0):
        tensor = made_up(size, density, seed=size, dtype=stored)
        before = tensor.pristine.clone()
        buffer = torch.full((size,), torch.nan, dtype=target)
        assert fuse_into(buffer, *tensor[1:]) is buffer
        assert torch.equal(bits(buffer), bits(plain(tensor).to(target)))
        assert torch.equal(bits(tensor.pristine), bits(before))


def test_the_buffer_may_be_the_pristine_tensor_itself() -> None:
    tensor = made_up(BLOCK + 3, 0.2, seed=1)
    wanted = plain(tensor)
    fuse_into(tensor.pristine, *tensor[1:])
    assert torch.equal(bits(tensor.pristine), bits(wanted))


@settings(max_examples=25, deadline=None)
@given(st.integers(-40, 120), st.sampled_from([torch.float32, torch.bfloat16]))
def test_every_exponent_decodes_as_it_does_alone(exponent: int, target: torch.dtype) -> None:
    tensor = made_up(500, 0.5, seed=exponent + 40)._replace(exponent=exponent, pristine=torch.zeros(500))
    fused = fuse_into(torch.empty(500, dtype=target), *tensor[1:])
    assert torch.equal(bits(fused), bits(plain(tensor).to(target)))


def test_many_tensors_in_many_threads_do_not_mix(threads: int) -> None:
    tensors = [made_up(size, 0.4, seed=size) for size in (7, BLOCK // 2, 2 * BLOCK + 1, 1, BLOCK)]

    def work() -> None:
        for _ in range(3):
            mine = [each._replace(buffer=torch.empty_like(each.buffer)) for each in tensors]
            fuse_all(mine)
            results.append([torch.equal(bits(each.buffer), bits(plain(each))) for each in mine])

    results: list[list[bool]] = []
    callers = [threading.Thread(target=work) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(results) == 9
    assert all(map(all, results))


def test_buffers_of_inference_mode_and_parameters_are_taken() -> None:
    tensor = made_up(100, 0.5, seed=0)
    tensor.pristine.requires_grad_()
    with torch.inference_mode():
        buffer = torch.empty(100)
    fuse_into(buffer, *tensor[1:])
    assert torch.equal(buffer, plain(tensor).detach())


def test_what_fails_in_a_helper_is_raised() -> None:
    tensor = made_up(3 * BLOCK, 0.1, seed=0)
    with pytest.raises((RuntimeError, ValueError)):
        fuse_into(torch.empty(3 * BLOCK), tensor.pristine, tensor.values[:-5], 0, tensor.positions)


@pytest.mark.parametrize("dtype", ["fp16", "fp32"])
def test_fusing_to_bf16_is_fusing_and_rounding(tiny_backbone: Backbone, dtype: str) -> None:
    ticket = random_ticket(tiny_backbone, 0.3)
    delta = encode(random_changes(ticket), ticket, dtype=dtype)
    pristine, places = tiny_backbone.parameters, Places()
    exact, _ = fuse(pristine, delta, ticket)
    rounded = {name: torch.empty_like(tensor, dtype=torch.bfloat16) for name, tensor in exact.items()}
    fuse_all(fusing(buffer, pristine[name], delta, ticket, name, places=places) for name, buffer in rounded.items())
    assert all(torch.equal(bits(exact[name].bfloat16()), bits(rounded[name])) for name in exact)


def test_positions_are_unpacked_once_a_ticket_and_bounded(tiny_backbone: Backbone) -> None:
    first, second = (random_ticket(tiny_backbone, 0.3, seed=seed) for seed in (0, 1))
    names = [name for name in first.masks if name != WORD_EMBEDDINGS]
    size = sum(4 * first.counts[name] for name in names)
    places = Places(size)
    for name in names:
        found = places.of(first, name)
        assert found.dtype == torch.int32
        assert torch.equal(found.long(), first.positions(name))
        assert places.of(random_ticket(tiny_backbone, 0.3), name) is found
    assert (places.misses, places.hits, places.nbytes) == (len(names), len(names), size)

    for name in names:
        places.of(second, name)
        assert places.nbytes <= size
    assert places.evictions > 0
    assert torch.equal(places.of(first, names[0]).long(), first.positions(names[0]))
    assert Places(0).of(first, names[0]).tolist() == first.positions(names[0]).tolist()


def test_adapters_of_a_ticket_share_its_positions(tiny_backbone: Backbone) -> None:
    ticket, places = random_ticket(tiny_backbone, 0.3), Places()
    for seed in range(3):
        fuse(tiny_backbone.parameters, encode(random_changes(ticket, seed=seed), ticket), ticket, places=places)
    assert places.hits == 2 * places.misses > 0


def test_positions_agree_with_the_rows_of_an_overlay(tiny_backbone: Backbone) -> None:
    ticket = random_ticket(tiny_backbone, 0.3)
    changes = random_changes(ticket)
    changes[WORD_EMBEDDINGS][::2] = 0
    delta = encode(changes, ticket)
    _, overlay = fuse(tiny_backbone.parameters, delta, ticket)
    dense = tiny_backbone.parameters[WORD_EMBEDDINGS].clone()
    dense.view(-1)[positions_in(delta, ticket, WORD_EMBEDDINGS)] += delta.decode(WORD_EMBEDDINGS)
    assert torch.equal(bits(overlay.values), bits(dense[overlay.rows]))
