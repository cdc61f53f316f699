"""The packed forward pass against transformers' own, for every saving it makes."""

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from ltp.backbone.architecture import WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.model.encoder import Encoder, Overlay, look_up, pack, weights_from
from ltp.model.template import Encoded, Template
from ltp.training.dropout import SeededDropout

PAIRS = [
    ("the dog was eating.", "the cat"),
    ("a man", "a woman was reading a book in the kitchen before the game."),
    ("everyone went to the market today", "nobody was at home?"),
    ("x", "y"),
]


@pytest.fixture(scope="module")
def examples(tiny_backbone: Backbone) -> list[Encoded]:
    return Template(tiny_backbone, prompt_length=4, max_length=64, text_form=1).encode(PAIRS)


def reference(
    backbone: Backbone, model: torch.nn.Module, examples: list[Encoded], prompt: torch.Tensor
) -> torch.Tensor:
    """Each example alone through transformers' model: all positions, all of the vocabulary."""
    rows = []
    for example in examples:
        ids = torch.tensor([example.ids])
        embeddings = model.roberta.embeddings.word_embeddings(ids)
        embeddings[0, -2 - len(prompt) : -2] = prompt
        logits = model(inputs_embeds=embeddings).logits
        rows.append(logits[0, -2, backbone.verbalizer])
    return torch.stack(rows)


def test_it_equals_transformers_for_a_mixed_batch_and_alone(tiny_backbone: Backbone, examples: list[Encoded]) -> None:
    prompt = torch.randn(4, tiny_backbone.info.hidden, generator=torch.Generator().manual_seed(1))
    weights, encoder, pad = weights_from(tiny_backbone, {}), Encoder(tiny_backbone), tiny_backbone.special.pad
    with torch.inference_mode():
        expected = reference(tiny_backbone, tiny_backbone.model, examples, prompt)
        together = encoder(weights, pack(examples, pad=pad), prompt.repeat(len(examples), 1))
        alone = torch.cat([encoder(weights, pack([example], pad=pad), prompt) for example in examples])

    assert expected.std() > 0.01
    assert torch.allclose(together, expected, atol=2e-6)
    assert torch.allclose(alone, expected, atol=2e-6)


def test_changed_tensors_overlay_and_answers_take_effect(tiny_backbone: Backbone, examples: list[Encoded]) -> None:
    generator = torch.Generator().manual_seed(2)
    model = copy.deepcopy(tiny_backbone.model)
    model.lm_head.decoder.weight = torch.nn.Parameter(model.lm_head.decoder.weight.clone(), requires_grad=False)
    changed = {}
    for name, tensor in model.named_parameters():
        if name.startswith("roberta."):
            tensor.add_(torch.randn(tensor.shape, generator=generator) * 0.05)
            changed[name] = tensor
    rows = torch.tensor(sorted({token for example in examples for token in example.ids}))
    overlay = Overlay(rows, changed.pop(WORD_EMBEDDINGS)[rows])
    answers = torch.randn(3, tiny_backbone.info.hidden, generator=generator)
    model.lm_head.decoder.weight[tiny_backbone.verbalizer] = answers
    prompt = torch.randn(4, tiny_backbone.info.hidden, generator=generator)

    weights = weights_from(tiny_backbone, changed, overlay=overlay, answers=answers)
    batch = pack(examples, pad=tiny_backbone.special.pad)
    with torch.inference_mode():
        found = Encoder(tiny_backbone)(weights, batch, prompt.repeat(len(examples), 1))
        expected = reference(tiny_backbone, model, examples, prompt)
    assert torch.allclose(found, expected, atol=2e-6)


def test_gradients_equal_transformers(tiny_backbone: Backbone, examples: list[Encoded]) -> None:
    model = copy.deepcopy(tiny_backbone.model).requires_grad_()
    prompt = torch.randn(4, tiny_backbone.info.hidden, generator=torch.Generator().manual_seed(3))
    mine, theirs = prompt.clone().requires_grad_(), prompt.clone().requires_grad_()
    leaves = {
        name: tensor.clone().requires_grad_()
        for name, tensor in tiny_backbone.parameters.items()
        if name.startswith("roberta.encoder") or "position" in name
    }
    weights = weights_from(tiny_backbone, leaves)
    found = Encoder(tiny_backbone)(weights, pack(examples, pad=tiny_backbone.special.pad), mine.repeat(4, 1))
    targets = torch.tensor([0, 1, 2, 0])
    torch.nn.functional.cross_entropy(found, targets).backward()
    torch.nn.functional.cross_entropy(reference(tiny_backbone, model, examples, theirs), targets).backward()

    assert torch.allclose(mine.grad, theirs.grad, atol=1e-6)
    for name, leaf in leaves.items():
        assert torch.allclose(leaf.grad, model.get_parameter(name).grad, atol=2e-6), name


def test_bf16_stays_close(tiny_backbone: Backbone, examples: list[Encoded]) -> None:
    prompt = torch.zeros(4 * len(examples), tiny_backbone.info.hidden)
    weights, batch = weights_from(tiny_backbone, {}), pack(examples, pad=tiny_backbone.special.pad)
    with torch.inference_mode():
        exact = Encoder(tiny_backbone)(weights, batch, prompt)
        rough = Encoder(tiny_backbone, precision="bf16")(weights, batch, prompt)
    assert rough.dtype == torch.float32
    assert 0 < (rough - exact).abs().max() < 0.05


def test_dropout_follows_the_noise_and_nothing_else(tiny_backbone: Backbone, examples: list[Encoded]) -> None:
    prompt = torch.zeros(4 * len(examples), tiny_backbone.info.hidden)
    weights, batch = weights_from(tiny_backbone, {}), pack(examples, pad=tiny_backbone.special.pad)
    encoder = Encoder(tiny_backbone, dropout=True)

    def run(seed: int | None) -> torch.Tensor:
        noise = None if seed is None else SeededDropout(seed, torch.device("cpu"))
        with torch.inference_mode():
            return encoder(weights, batch, prompt, noise=noise)

    assert torch.equal(run(1), run(1))
    assert not torch.allclose(run(1), run(2), atol=1e-3)
    assert torch.equal(run(None), run(None))
    average = torch.stack([run(seed) for seed in range(300)]).mean(0)
    assert torch.allclose(average, run(None), atol=0.1)


def test_without_rates_noise_changes_nothing(tiny_backbone: Backbone, examples: list[Encoded]) -> None:
    prompt = torch.zeros(4 * len(examples), tiny_backbone.info.hidden)
    weights, batch = weights_from(tiny_backbone, {}), pack(examples, pad=tiny_backbone.special.pad)
    encoder = Encoder(tiny_backbone)
    with torch.inference_mode():
        noisy = encoder(weights, batch, prompt, noise=SeededDropout(1, torch.device("cpu")))
        assert torch.allclose(noisy, encoder(weights, batch, prompt), atol=2e-6)


def test_look_up_prefers_the_overlay() -> None:
    table = torch.arange(12.0).view(6, 2)
    overlay = Overlay(torch.tensor([1, 4]), torch.tensor([[-1.0, -2.0], [-3.0, -4.0]]))
    found = look_up(table, overlay, torch.tensor([0, 1, 5, 4, 1]))
    assert found.tolist() == [[0, 1], [-1, -2], [10, 11], [-3, -4], [-1, -2]]
    assert torch.equal(table, torch.arange(12.0).view(6, 2))


def test_threads_share_one_encoder(tiny_backbone: Backbone, examples: list[Encoded]) -> None:
    """With and without dropout, and batches of other sizes: every call gives what it gives alone."""
    encoder, weights, pad = Encoder(tiny_backbone, dropout=True), weights_from(tiny_backbone, {}), 1
    prompt = torch.randn(4, tiny_backbone.info.hidden, generator=torch.Generator().manual_seed(3))

    def call(number: int) -> torch.Tensor:
        some = examples[: 1 + number % len(examples)]
        noise = SeededDropout(number, torch.device("cpu")) if number % 2 else None
        with torch.inference_mode():
            return encoder(weights, pack(some, pad=pad), prompt.repeat(len(some), 1), noise=noise)

    alone = [call(number) for number in range(40)]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(call, range(40)))
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(alone, together, strict=True))
    assert not torch.allclose(alone[0], alone[1][:1], atol=1e-3)


def test_a_call_that_begins_inside_another_changes_nothing(tiny_backbone: Backbone, examples: list[Encoded]) -> None:
    encoder, weights, pad = Encoder(tiny_backbone, dropout=True), weights_from(tiny_backbone, {}), 1
    prompt = torch.randn(4, tiny_backbone.info.hidden, generator=torch.Generator().manual_seed(3))

    class Interrupted(SeededDropout):
        """Lets the same encoder compute something else in the middle of a call."""

        def drop(self, tokens: torch.Tensor, rate: float) -> torch.Tensor:
            encoder(weights, pack(examples[:1], pad=pad), prompt)
            return super().drop(tokens, rate)

    calls = []
    for noise in (SeededDropout, Interrupted):
        with torch.inference_mode():
            batch, prompts = pack(examples, pad=pad), prompt.repeat(len(examples), 1)
            calls.append(encoder(weights, batch, prompts, noise=noise(5, torch.device("cpu"))))
    assert torch.equal(calls[0], calls[1])
