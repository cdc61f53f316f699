"""Fusing blocks into buffers gives the bits of decoding, adding and rounding whole tensors, on every processor."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.synthetic import random_changes, random_ticket

from ltp.backbone.architecture import WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.compute.cuda.adding import add_plainly
from ltp.compute.kernel import BLOCK, LANES
from ltp.compute.masked_add import FuseTask, all_active, fuse_all, fuse_into
from ltp.delta.codes import each_scale, quantised
from ltp.delta.delta import encode
from ltp.delta.fuse import fuse, fuse_task, positions_in


def made_up(size: int, density: float, *, seed: int, dtype: torch.dtype = torch.float16) -> FuseTask:
    generator = np.random.default_rng(seed)
    active = generator.random(size) < density
    drawn = torch.from_numpy(generator.normal(size=int(active.sum())) * 1000)
    values, scales = quantised(drawn.float()) if dtype == torch.int8 else (drawn.to(dtype), None)
    pristine = torch.from_numpy(generator.normal(size=size).astype(np.float32))
    pristine[generator.random(size) < 0.1] = -0.0
    return FuseTask(torch.empty(size), pristine, values, 17, np.packbits(active, bitorder="little"), scales=scales)


def plain(tensor: FuseTask) -> torch.Tensor:
    """What fusing means."""
    fused = tensor.pristine.clone().view(-1)
    active = np.unpackbits(tensor.active, count=len(fused), bitorder="little").view(np.bool_)
    values = tensor.values.float()
    if tensor.scales is not None:
        values *= each_scale(tensor.scales, len(values))
    fused[torch.from_numpy(active)] += values * 2.0**-tensor.exponent
    return fused.view_as(tensor.pristine)


def bits(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.view(torch.int16 if tensor.dtype == torch.bfloat16 else torch.int32)


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.fixture(params=[True, False], ids=["sixteen at a time", "one by one"])
def wide(request) -> bool:
    """Either loop, whatever this processor has: LLVM spells out what there is no instruction for."""
    return request.param


@pytest.mark.parametrize("target", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("stored", [torch.int8, torch.float16, torch.float32])
@pytest.mark.parametrize("size", [1, LANES - 1, LANES, 3 * LANES + 9, BLOCK, 2 * BLOCK + 5])
@pytest.mark.slow
def test_a_buffer_gets_the_bits_of_the_whole_computation(
    size: int, stored, target, threads: int, *, wide: bool
) -> None:
    for density in (0.0, 0.3, 1.0):
        tensor = made_up(size, density, seed=size, dtype=stored)
        before = tensor.pristine.clone()
        buffer = torch.full((size,), torch.nan, dtype=target)
        assert fuse_into(buffer, *tensor[1:5], scales=tensor.scales, wide=wide) is buffer
        assert torch.equal(bits(buffer), bits(plain(tensor).to(target)))
        assert torch.equal(bits(tensor.pristine), bits(before))


def test_the_buffer_may_be_the_pristine_tensor_itself() -> None:
    tensor = made_up(BLOCK + 3, 0.2, seed=1)
    wanted = plain(tensor)
    fuse_into(tensor.pristine, *tensor[1:5])
    assert torch.equal(bits(tensor.pristine), bits(wanted))


@pytest.mark.parametrize("stored", [torch.int8, torch.float16])
@pytest.mark.parametrize("target", [torch.float32, torch.bfloat16])
def test_a_device_that_is_no_processor_gets_the_same_bits(target: torch.dtype, stored: torch.dtype) -> None:
    tensor = made_up(1003, 0.4, seed=5, dtype=stored)._replace(buffer=torch.empty(1003, dtype=target))
    add_plainly(tensor)
    assert torch.equal(bits(tensor.buffer), bits(plain(tensor).to(target)))


@pytest.mark.parametrize("size", [7, 8, 1001])
def test_a_tensor_that_is_active_all_over_is_added_to_all_over(size: int, *, wide: bool) -> None:
    tensor = made_up(size, 1.0, seed=size)
    assert np.array_equal(tensor.active, all_active(size))
    fused = fuse_into(torch.empty(size), *tensor[1:5], wide=wide)
    assert torch.equal(fused, tensor.pristine + tensor.values.float() * 2.0**-17)


def test_what_lies_around_a_buffer_stays(*, wide: bool) -> None:
    tensor, room = made_up(37, 0.5, seed=2), torch.full((64,), torch.nan)
    fuse_into(room[16:53], *tensor[1:5], wide=wide)
    assert torch.equal(room[16:53], plain(tensor))
    assert room[:16].isnan().all()
    assert room[53:].isnan().all()


@settings(max_examples=25, deadline=None)
@given(st.integers(-40, 120), st.sampled_from([torch.float32, torch.bfloat16]))
def test_every_exponent_decodes_as_it_does_alone(exponent: int, target: torch.dtype) -> None:
    tensor = made_up(500, 0.5, seed=exponent + 40)._replace(exponent=exponent, pristine=torch.zeros(500))
    fused = fuse_into(torch.empty(500, dtype=target), *tensor[1:5])
    assert torch.equal(bits(fused), bits(plain(tensor).to(target)))


@pytest.mark.slow
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
    fuse_into(buffer, *tensor[1:5])
    assert torch.equal(buffer, plain(tensor).detach())


def test_a_mask_that_does_not_fit_is_refused_before_anything_is_written() -> None:
    tensor = made_up(3000, 0.1, seed=0)
    for changed in ({"values": tensor.values[:-5]}, {"active": tensor.active[:-1]}):
        odd, good = tensor._replace(**changed), tensor._replace(buffer=torch.zeros(3000))
        with pytest.raises(ValueError, match="values for"):
            fuse_all([good, odd])
        assert not good.buffer.any()


def test_scales_that_do_not_fit_are_refused_before_anything_is_written() -> None:
    codes, halves = made_up(3000, 0.1, seed=0, dtype=torch.int8), made_up(3000, 0.1, seed=0)
    for odd in (
        codes._replace(scales=None),
        codes._replace(scales=codes.scales[1:]),
        halves._replace(scales=codes.scales),
    ):
        good = halves._replace(buffer=torch.zeros(3000))
        with pytest.raises(ValueError, match="scales for"):
            fuse_all([good, odd])
        assert not good.buffer.any()


def test_masks_may_be_left_in_their_file(tmp_path) -> None:
    tensor = made_up(5000, 0.3, seed=0)
    tensor.active.tofile(tmp_path / "mask")
    mapped = np.memmap(tmp_path / "mask", np.uint8, "r")
    assert torch.equal(fuse_into(torch.empty(5000), *tensor[1:4], mapped), plain(tensor))


@pytest.mark.parametrize("dtype", ["int8", "fp16", "fp32"])
def test_fusing_to_bf16_is_fusing_and_rounding(tiny_backbone: Backbone, dtype: str) -> None:
    ticket = random_ticket(tiny_backbone, 0.3)
    delta = encode(random_changes(ticket), ticket, dtype=dtype)
    pristine = tiny_backbone.parameters
    exact, _ = fuse(pristine, delta, ticket)
    rounded = {name: torch.empty_like(tensor, dtype=torch.bfloat16) for name, tensor in exact.items()}
    fuse_all(fuse_task(buffer, pristine[name], delta, ticket, name) for name, buffer in rounded.items())
    assert all(torch.equal(bits(exact[name].bfloat16()), bits(rounded[name])) for name in exact)


def test_positions_agree_with_the_rows_of_an_overlay(tiny_backbone: Backbone) -> None:
    ticket = random_ticket(tiny_backbone, 0.3)
    changes = random_changes(ticket)
    changes[WORD_EMBEDDINGS][::2] = 0
    delta = encode(changes, ticket)
    _, overlay = fuse(tiny_backbone.parameters, delta, ticket)
    dense = tiny_backbone.parameters[WORD_EMBEDDINGS].clone()
    dense.view(-1)[positions_in(delta, ticket, WORD_EMBEDDINGS)] += delta.decode(WORD_EMBEDDINGS)
    assert torch.equal(bits(overlay.values), bits(dense[overlay.rows]))
