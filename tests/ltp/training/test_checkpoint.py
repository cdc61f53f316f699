"""Checkpoints are whole or absent, the newest whole one wins, and they stay within their share of the time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ltp.training.checkpoint import Checkpoints, identity_of
from ltp.training.seeds import step_seed

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2**40]), "c": torch.zeros(0)}


def _newest(directory: Path) -> Path:
    return max(directory.glob("*.safetensors"))


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "none").load() is None
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.save(TENSORS, {"step": 3, "losses": [0.1 + 0.2]}, force=True)
    loaded = Checkpoints(tmp_path).load()
    assert loaded is not None
    tensors, state = loaded
    assert state == {"step": 3, "losses": [0.1 + 0.2]}
    assert all(
        torch.equal(tensors[name], tensor) and tensors[name].dtype == tensor.dtype for name, tensor in TENSORS.items()
    )


def test_only_the_last_is_kept(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    (tmp_path / ".checkpoint-000000009.safetensors.ab12").write_bytes(b"left by a kill while writing")
    for step in range(3):
        checkpoints.save(TENSORS, {"step": step}, force=True)
    assert [path.name for path in tmp_path.iterdir()] == [_newest(tmp_path).name]
    again = Checkpoints(tmp_path)
    again.save(TENSORS, {"step": 9}, force=True)
    assert (again.load() or ({}, {}))[1] == {"step": 9}


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "header"])
def test_a_damaged_one_is_passed_over(tmp_path: Path, damage: str) -> None:
    first, second = Checkpoints(tmp_path / "1"), Checkpoints(tmp_path / "2", earlier=[tmp_path / "1"])
    first.save(TENSORS, {"step": 1}, force=True)
    assert (second.load() or ({}, {}))[1] == {"step": 1}  # an earlier attempt's
    second.save(TENSORS, {"step": 2}, force=True)
    assert (second.load() or ({}, {}))[1] == {"step": 2}
    path = _newest(tmp_path / "2")
    data = bytearray(path.read_bytes())
    data[-3] ^= damage == "flip"
    data[20] ^= damage == "header"
    path.write_bytes(data[: {"truncate": len(data) // 2, "empty": 0}.get(damage, len(data))])
    assert (second.load() or ({}, {}))[1] == {"step": 1}
    assert _newest(tmp_path / "1").exists()


def test_another_runs_checkpoint_is_ignored(tmp_path: Path) -> None:
    mine, other = identity_of(seed=1, data="x"), identity_of(seed=2, data="x")
    Checkpoints(tmp_path).save(TENSORS, {"identity": other}, force=True)
    assert Checkpoints(tmp_path).load(identity=mine) is None
    assert Checkpoints(tmp_path).load(identity=other) is not None
    assert identity_of(data="x", seed=1) == mine


class Clock:
    """Seconds that pass when the test says so, and `tick` at every look: each save then takes so long."""

    def __init__(self, tick: float) -> None:
        self.now, self.tick = 0.0, tick

    def __call__(self) -> float:
        self.now += self.tick
        return self.now


def test_saving_stays_within_its_share_of_the_time(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, budget=0.05)
    assert not checkpoints.save({"big": torch.zeros(2_000_000)}, {})  # nothing has elapsed yet
    clock, saved = Clock(tick=0.001), 0
    generous = Checkpoints(tmp_path, budget=0.2, clock=clock)
    for _ in range(500):
        saved += generous.save(TENSORS, {})
        clock.now += 0.001
    assert 0.15 < saved * clock.tick / clock.now <= 0.2


def test_a_save_that_was_slow_makes_the_next_one_wait(tmp_path: Path) -> None:
    clock = Clock(tick=0.0)
    checkpoints = Checkpoints(tmp_path, budget=0.1, clock=clock)
    clock.now = 10.0
    assert checkpoints.save(TENSORS, {"step": 1})
    clock.tick = 2.0  # from now on a save takes two seconds
    assert checkpoints.save(TENSORS, {"step": 2})
    clock.tick = 0.0
    clock.now = 30.0
    assert not checkpoints.save(TENSORS, {"step": 3})  # two seconds spent, two more wanted, of a tenth of thirty
    clock.now = 41.0
    assert checkpoints.save(TENSORS, {"step": 4})


def test_a_step_has_its_own_seed() -> None:
    assert step_seed(7, 1) == step_seed(7, 1)
    assert len({step_seed(seed, *path) for seed in range(3) for path in ((), (0,), (1,), (0, 0), (0, 1))}) == 15
