"""Our AdamW against torch's own, bit for bit; and it spares a job the import of torch's compiler."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ltp.backbone.load import Backbone
from ltp.training.adamw import AdamW

ROOT = Path(__file__).parents[3]
SHAPES = ((7, 5), (33,), (2, 3, 4))


def tensors() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=generator) for shape in SHAPES]


def give_gradients(found: list[torch.Tensor], step: int, *, without: int | None) -> None:
    generator = torch.Generator().manual_seed(step)
    for index, tensor in enumerate(found):
        gradient = torch.randn(tensor.shape, generator=generator)
        tensor.grad = None if index == without else gradient


def test_it_is_torchs_bit_for_bit() -> None:
    ours, theirs = tensors(), tensors()
    mine = AdamW([(ours[:2], 1e-2), (ours[2:], 3e-4)])
    torchs = torch.optim.AdamW(
        [{"params": theirs[:2], "lr": 1e-2}, {"params": theirs[2:], "lr": 3e-4}], weight_decay=0.0, fused=True
    )
    for step in range(1, 8):
        for found, optimizer in ((ours, mine), (theirs, torchs)):
            give_gradients(found, step, without=1 if step == 3 else None)
            optimizer.step()
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True)), step
    state = torchs.state_dict()["state"]
    for index in range(len(SHAPES)):
        for name in ("step", "exp_avg", "exp_avg_sq"):
            assert torch.equal(mine.state()[f"{index}.{name}"], state[index][name])
    assert mine.state()["1.step"] == 6


def test_it_goes_on_from_a_flat_state() -> None:
    whole, resumed = tensors(), tensors()
    first = AdamW([(whole, 1e-2)])
    for step in range(1, 4):
        give_gradients(whole, step, without=None)
        first.step()
    for tensor, other in zip(resumed, whole, strict=True):
        tensor.copy_(other)
    second = AdamW([(resumed, 1e-2)])
    second.restore({name: tensor.reshape(-1).clone() for name, tensor in first.state().items()})
    for found, optimizer in ((whole, first), (resumed, second)):
        give_gradients(found, 9, without=None)
        optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(whole, resumed, strict=True))


TRAIN = """
import sys
from pathlib import Path
from support.synthetic import pairs, random_ticket
from ltp.adapter.train import train_adapter
from ltp.backbone.load import load_backbone
from ltp.config import AdapterConfig

backbone = load_backbone(Path(sys.argv[1]))
config, ticket = AdapterConfig(epochs=1, max_length=64), random_ticket(backbone, 0.2)
train_adapter(backbone, ticket, method="ltp", train=pairs(6, seed=1), dev=pairs(3, seed=2), config=config)
sys.exit("torch._dynamo" in sys.modules)
"""


@pytest.mark.process
def test_few_shot_training_needs_no_compiler(tiny_backbone: Backbone) -> None:
    """torch imports it on the first use of an optimiser of its own: a second in every job."""
    command = [sys.executable, "-c", TRAIN, str(tiny_backbone.info.directory)]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr or "training imports torch._dynamo"
