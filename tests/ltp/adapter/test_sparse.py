"""Sparse training against the plain dense computation, and the one promise: a frozen value never moves."""

import copy
import gc
import weakref
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from support.synthetic import pairs, random_ticket
from support.tiny_backbone import write_tiny

from ltp.adapter.sparse import SparseParameters, touched_rows
from ltp.backbone.architecture import WORD_EMBEDDINGS
from ltp.backbone.load import Backbone, load_backbone
from ltp.backbone.strategy import Strategy
from ltp.config import LABELS
from ltp.model.encoder import Encoder, pack
from ltp.model.soft_prompt import SoftPrompt
from ltp.model.template import Encoded, Template
from ltp.ticket.mask import Ticket, active_in_rows

STRATEGIES: tuple[Strategy, ...] = ("decoupled", "tied", "frozen_embeddings")
ADAMW = {"lr": 1e-2, "weight_decay": 0.0, "eps": 1e-3}
"""A large eps: where the true gradient is 0 (the key's bias) AdamW would make whole steps of rounding noise."""


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    """A tiny backbone without dropout."""
    return load_backbone(write_tiny(tmp_path_factory.mktemp("still"), dropout=0.0))


@pytest.fixture(scope="module")
def batches(still: Backbone) -> list[tuple[list[Encoded], torch.Tensor]]:
    examples = pairs(48, seed=1)
    encoded = Template(still, prompt_length=4, max_length=64, text_form=1).encode(
        [(e.premise, e.hypothesis) for e in examples]
    )
    labels = torch.tensor([LABELS.index(e.label) for e in examples if e.label])
    return [(encoded[start : start + 8], labels[start : start + 8]) for start in range(0, 48, 8)]


def touched(backbone: Backbone, batches, strategy: Strategy) -> torch.Tensor:
    return touched_rows(backbone, [example for encoded, _ in batches for example in encoded], tied=strategy == "tied")


def run_sparse(backbone: Backbone, ticket: Ticket, batches) -> tuple[SparseParameters, SoftPrompt, list[float]]:
    sparse = SparseParameters(backbone, ticket, rows=touched(backbone, batches, ticket.strategy))
    prompt = SoftPrompt(4, backbone.info.hidden, seed=5)
    optimizer = torch.optim.AdamW([sparse.values, *prompt.parameters()], **ADAMW)
    encoder, losses = Encoder(backbone, dropout=True), []
    for encoded, labels in batches:
        logits = encoder(sparse.weights(), pack(encoded, pad=backbone.special.pad), prompt().repeat(len(encoded), 1))
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        prompt.zero_grad()
        sparse.after_step()
        losses.append(loss.item())
    return sparse, prompt, losses


def run_dense(backbone: Backbone, ticket: Ticket, batches) -> tuple[dict[str, torch.Tensor], SoftPrompt, list[float]]:
    """Every parameter, every position, all of the vocabulary; gradients multiplied by the mask."""
    model = copy.deepcopy(backbone.model).requires_grad_().train()
    if ticket.strategy != "tied":
        model.lm_head.decoder.weight = torch.nn.Parameter(model.lm_head.decoder.weight.detach().clone())
    prompt = SoftPrompt(4, backbone.info.hidden, seed=5)
    masks = {}
    for name, parameter in model.named_parameters():
        canonical = WORD_EMBEDDINGS if parameter is model.roberta.embeddings.word_embeddings.weight else name
        masks[parameter] = torch.zeros(parameter.numel())
        if canonical in ticket.masks:
            masks[parameter][ticket.positions(canonical)] = 1
    optimizer = torch.optim.AdamW([*model.parameters(), *prompt.parameters()], **ADAMW)
    losses = []
    for encoded, labels in batches:
        longest = max(len(example.ids) for example in encoded)
        pad = backbone.special.pad
        ids = torch.tensor([example.ids + [pad] * (longest - len(example.ids)) for example in encoded])
        lengths = torch.tensor([len(example.ids) for example in encoded])
        rows = torch.arange(len(encoded))[:, None]
        slots = lengths[:, None] - 6 + torch.arange(4)
        embeddings = model.roberta.embeddings.word_embeddings(ids).index_put((rows, slots), prompt())
        attention = (torch.arange(longest) < lengths[:, None]).long()
        positions = torch.arange(longest).expand(len(encoded), -1) + pad + 1
        logits = model(inputs_embeds=embeddings, attention_mask=attention, position_ids=positions).logits
        loss = F.cross_entropy(logits[rows[:, 0], lengths - 2][:, backbone.verbalizer], labels)
        loss.backward()
        for parameter, mask in masks.items():
            if parameter.grad is not None:
                parameter.grad.mul_(mask.view_as(parameter))
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return {name: model.get_parameter(name).detach() for name in backbone.parameters}, prompt, losses


def as_trained(backbone: Backbone, sparse: SparseParameters, ticket: Ticket) -> dict[str, torch.Tensor]:
    """Pristine copies with the compact changes in place."""
    trained = {name: tensor.clone() for name, tensor in backbone.parameters.items()}
    for name, change in sparse.changes(sparse.values).items():
        flat = trained[name].view(-1)
        positions = ticket.positions(name)
        if name == WORD_EMBEDDINGS:
            positions = positions[torch.isin(positions // backbone.info.hidden, sparse.rows)]
        flat[positions] += change
    return trained


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_it_equals_dense_training_with_masked_gradients(still: Backbone, batches, strategy: Strategy) -> None:
    ticket = random_ticket(still, 0.3, strategy=strategy)
    sparse, prompt, losses = run_sparse(still, ticket, batches)
    dense, dense_prompt, dense_losses = run_dense(still, ticket, batches)

    assert losses == pytest.approx(dense_losses, abs=1e-5)
    assert abs(losses[0] - losses[-1]) > 1e-2
    assert torch.allclose(prompt(), dense_prompt(), atol=1e-5)
    for name, tensor in as_trained(still, sparse, ticket).items():
        assert torch.allclose(tensor, dense[name], atol=1e-5, rtol=0), name
        if name in ticket.masks and not name.endswith("key.bias"):
            assert (tensor - still.parameters[name]).abs().max() > 1e-4, name
    unread = torch.ones(still.info.vocabulary, dtype=torch.bool)
    unread[touched(still, batches, strategy)] = False
    assert torch.equal(dense[WORD_EMBEDDINGS][unread], still.parameters[WORD_EMBEDDINGS][unread])


def frozen(ticket: Ticket, name: str, shape: tuple[int, ...]) -> torch.Tensor:
    still = torch.ones(shape, dtype=torch.bool)
    if name in ticket.masks:
        still.view(-1)[ticket.positions(name)] = False
    return still


def moved_views(backbone: Backbone, sparse: SparseParameters) -> Iterator[tuple[str, torch.Tensor, torch.Tensor]]:
    """Every tensor of the model that training used, with its pristine value."""
    weights, pristine = sparse.weights(), backbone.parameters
    for index, layer in enumerate(weights.layers):
        for part, module in layer.items():
            for kind, tensor in zip(("weight", "bias"), module, strict=True):
                name = f"roberta.encoder.layer.{index}.{part}.{kind}"
                yield name, tensor, pristine[name]
    for part, module in {
        "lm_head.dense": weights.head,
        "lm_head.layer_norm": weights.head_norm,
        "roberta.embeddings.LayerNorm": weights.embedding_norm,
    }.items():
        for kind, tensor in zip(("weight", "bias"), module, strict=True):
            yield f"{part}.{kind}", tensor, pristine[f"{part}.{kind}"]
    yield (
        "roberta.embeddings.position_embeddings.weight",
        weights.position,
        pristine["roberta.embeddings.position_embeddings.weight"],
    )
    yield (
        "roberta.embeddings.token_type_embeddings.weight",
        weights.token_type[None],
        pristine["roberta.embeddings.token_type_embeddings.weight"],
    )
    yield WORD_EMBEDDINGS, weights.word, pristine[WORD_EMBEDDINGS]
    yield "lm_head.bias", weights.answers[1], pristine["lm_head.bias"][backbone.verbalizer]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_frozen_value_never_moves_on_any_tensor(tiny_backbone: Backbone, batches, strategy: Strategy) -> None:
    before = {name: tensor.clone() for name, tensor in tiny_backbone.parameters.items()}
    ticket = random_ticket(tiny_backbone, 0.3, strategy=strategy)
    sparse, _, _ = run_sparse(tiny_backbone, ticket, batches)

    seen = set()
    for name, tensor, pristine in moved_views(tiny_backbone, sparse):
        still = frozen(ticket, name, tuple(tensor.shape)) if name != "lm_head.bias" else torch.ones(3, dtype=torch.bool)
        if name == WORD_EMBEDDINGS:
            still[:] = True  # the table itself is never written: changed rows are an overlay
        seen.add(name)
        assert torch.equal(bits(tensor)[still], bits(pristine)[still]), name
    assert seen == set(tiny_backbone.parameters)
    weights = sparse.weights()
    if strategy == "frozen_embeddings":
        assert weights.overlay is None
    else:
        assert weights.overlay is not None
        rows = weights.overlay.rows
        still = ~torch.from_numpy(active_in_rows(ticket, WORD_EMBEDDINGS, rows))
        assert torch.equal(bits(weights.overlay.values)[still], bits(before[WORD_EMBEDDINGS][rows])[still])
        assert not torch.equal(weights.overlay.values, before[WORD_EMBEDDINGS][rows])
    for name, tensor in before.items():
        assert torch.equal(bits(tensor), bits(tiny_backbone.parameters[name])), name


def bits(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().contiguous().view(torch.int32)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_output_side_moves_under_tied_alone(tiny_backbone: Backbone, batches, strategy: Strategy) -> None:
    ticket = random_ticket(tiny_backbone, 0.5, strategy=strategy)
    sparse, _, _ = run_sparse(tiny_backbone, ticket, batches)
    answers, pristine = sparse.weights().answers[0], tiny_backbone.decoder[tiny_backbone.verbalizer]
    active = ~frozen(ticket, WORD_EMBEDDINGS, tuple(tiny_backbone.decoder.shape))[tiny_backbone.verbalizer]
    assert torch.equal(answers != pristine, active if strategy == "tied" else torch.zeros_like(active))


def test_reset_returns_every_bit(tiny_backbone: Backbone, batches) -> None:
    sparse, _, _ = run_sparse(tiny_backbone, random_ticket(tiny_backbone, 0.3), batches)
    assert any(not torch.equal(tensor, pristine) for _, tensor, pristine in moved_views(tiny_backbone, sparse))
    sparse.reset()
    for name, tensor, pristine in moved_views(tiny_backbone, sparse):
        assert torch.equal(bits(tensor), bits(pristine)), name
    assert not any(change.any() for change in sparse.changes(sparse.values).values())


def test_a_finished_training_leaves_nothing_in_memory(tiny_backbone: Backbone, batches) -> None:
    sparse = run_sparse(tiny_backbone, random_ticket(tiny_backbone, 0.2), batches[:1])[0]
    overlay = sparse.weights().overlay
    assert overlay is not None
    words, parameters = weakref.ref(overlay.values), weakref.ref(sparse)
    del sparse, overlay
    gc.collect()
    assert words() is None
    assert parameters() is None


def test_rows_that_examples_touch(tiny_backbone: Backbone) -> None:
    encoded = Template(tiny_backbone, prompt_length=4, max_length=64, text_form=1).encode([("the dog", "a cat")])
    special, to_id = tiny_backbone.special, tiny_backbone.tokenizer.token_to_id
    expected = {special.bos, special.eos, special.mask} | {
        to_id(f"▁{piece}") for piece in ("the", "dog", "a", "cat", ".", "?")
    }
    assert set(touched_rows(tiny_backbone, encoded, tied=False).tolist()) == expected
    tied = touched_rows(tiny_backbone, encoded, tied=True)
    assert set(tied.tolist()) == expected | set(tiny_backbone.verbalizer.tolist())
    assert torch.equal(tied, tied.sort().values)
