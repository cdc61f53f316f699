"""The soft prompt: its shape, its seed, its initial values, and that it touches nobody's random numbers."""

import torch

from ltp.model.soft_prompt import SoftPrompt


def test_shapes_and_parameters() -> None:
    prompt = SoftPrompt(4, 32, seed=0)
    assert prompt().shape == (4, 32)
    lstm = 2 * sum(4 * 16 * (32 + 16) + 2 * 4 * 16 for _ in range(2))  # two directions, two layers
    assert sum(parameter.numel() for parameter in prompt.parameters()) == 4 * 32 + lstm + 2 * (32 * 32 + 32)


def test_every_soft_token_is_reparameterised_in_the_context_of_the_others() -> None:
    prompt = SoftPrompt(4, 32, seed=0)
    (gradient,) = torch.autograd.grad(prompt()[0].sum(), prompt.vectors)
    assert (gradient.abs().sum(1) > 0).all()


def test_the_vectors_are_standard_normal() -> None:
    vectors = SoftPrompt(64, 384, seed=1).vectors
    assert abs(vectors.mean()) < 0.02
    assert abs(vectors.std() - 1) < 0.02


def test_the_seed_decides_and_nothing_else() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again, other = (SoftPrompt(4, 32, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first(), again())
    assert not torch.equal(first(), other())
