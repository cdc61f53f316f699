"""Training of every parameter, against transformers' own model with torch's own optimiser."""

import copy
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from support.in_place import apply, in_model
from support.synthetic import pairs
from support.tiny_backbone import write_tiny
from transformers import XLMRobertaForMaskedLM

from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.adapter.dense import DenseParameters
from ltp.adapter.materialise import materialise
from ltp.adapter.sparse import touched_rows
from ltp.backbone.architecture import DECODER, LM_BIAS, WORD_EMBEDDINGS
from ltp.backbone.load import Backbone, load_backbone
from ltp.config import LABELS
from ltp.model.encoder import Encoder, pack
from ltp.model.head import ClassHead, Classifier
from ltp.model.methods import METHODS, Method
from ltp.model.soft_prompt import SoftPrompt
from ltp.model.template import Encoded, Template

DENSE: tuple[Method, ...] = ("ft", "dp", "sp", "mp")
ADAMW = {"lr": 1e-2, "weight_decay": 0.0, "eps": 1e-3}
"""A large eps: where the true gradient is 0 (the key's bias) AdamW would make whole steps of rounding noise."""
Batches = list[tuple[list[Encoded], torch.Tensor]]


@pytest.fixture(scope="module", params=["tied", "untied"])
def still(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    """A tiny backbone without dropout, whose output embeddings are its input's or its own."""
    folder = write_tiny(tmp_path_factory.mktemp("still"), dropout=0.0)
    if request.param == "untied":
        untie(folder)
    backbone = load_backbone(folder)
    assert (DECODER in backbone.parameters) == (request.param == "untied")
    return backbone


def untie(folder: Path) -> None:
    model = XLMRobertaForMaskedLM.from_pretrained(folder)
    words = model.lm_head.decoder.weight.detach()
    model.config.tie_word_embeddings = False
    model.lm_head.decoder.weight = torch.nn.Parameter(words + 0.1 * words.flip(0))
    model.save_pretrained(folder, safe_serialization=True)


def batches(backbone: Backbone, method: Method) -> Batches:
    examples = pairs(32, seed=1)
    template = Template(backbone, prompt_length=4, max_length=64, text_form=1, form=METHODS[method].form)
    encoded = template.encode([(example.premise, example.hypothesis) for example in examples])
    labels = torch.tensor([LABELS.index(example.label) for example in examples if example.label])
    return [(encoded[start : start + 8], labels[start : start + 8]) for start in range(0, 32, 8)]


class Ours:
    """The trainer's parameters, with what a method adds to them."""

    def __init__(self, backbone: Backbone, method: Method, given: Batches) -> None:
        recipe, hidden = METHODS[method], backbone.info.hidden
        self.words = None if recipe.words is None else backbone.tokens_of(recipe.words)
        examples = [example for encoded, _ in given for example in encoded]
        tied = self.words is not None and DECODER not in backbone.parameters
        rows = touched_rows(backbone, examples, tied=tied, words=self.words)
        self.model = DenseParameters(backbone, rows=rows, words=self.words)
        self.prompt = SoftPrompt(4, hidden, seed=5) if recipe.soft else None
        self.head = None if recipe.words else Classifier(hidden, classes=3, seed=5)

    def run(self, backbone: Backbone, given: Batches) -> list[float]:
        added = [module for module in (self.prompt, self.head) if module is not None]
        tensors = [tensor for module in added for tensor in module.parameters()]
        optimizer = torch.optim.AdamW([*self.model.tensors, *tensors], **ADAMW)
        encoder, losses = Encoder(backbone), []
        for encoded, labels in given:
            weights = self.model.weights()
            if self.head is not None:
                weights = copy.copy(weights)
                object.__setattr__(weights, "classifier", ClassHead(dict(self.head.named_parameters())))
            prompt = torch.empty(0, backbone.info.hidden) if self.prompt is None else self.prompt()
            logits = encoder(weights, pack(encoded, pad=backbone.special.pad), prompt.repeat(len(encoded), 1))
            loss = F.cross_entropy(logits, labels)
            loss.backward()
            optimizer.step()
            self.model.after_step()
            for module in added:
                module.zero_grad()
            losses.append(loss.item())
        return losses


def run_plain(backbone: Backbone, method: Method, given: Batches) -> tuple[XLMRobertaForMaskedLM, list[float]]:
    """transformers' model, every parameter, the whole vocabulary."""
    recipe, pad = METHODS[method], backbone.special.pad
    model = copy.deepcopy(backbone.model).requires_grad_()
    prompt = SoftPrompt(4, backbone.info.hidden, seed=5) if recipe.soft else None
    head = None if recipe.words else Classifier(backbone.info.hidden, classes=3, seed=5)
    added = [tensor for module in (prompt, head) if module is not None for tensor in module.parameters()]
    optimizer = torch.optim.AdamW([*model.parameters(), *added], **ADAMW)
    losses = []
    for encoded, labels in given:
        longest = max(len(example.ids) for example in encoded)
        ids = torch.tensor([example.ids + [pad] * (longest - len(example.ids)) for example in encoded])
        lengths = torch.tensor([len(example.ids) for example in encoded])
        embeddings = model.roberta.embeddings.word_embeddings(ids)
        if prompt is not None:
            places = (ids == pad) & (torch.arange(longest) < lengths[:, None])
            embeddings = embeddings.masked_scatter(places[..., None], prompt().repeat(len(encoded), 1))
        attention = (torch.arange(longest) < lengths[:, None]).long()
        positions = torch.arange(longest).expand(len(encoded), -1) + pad + 1
        given_ = {"inputs_embeds": embeddings, "attention_mask": attention, "position_ids": positions}
        if head is not None:
            states = model.roberta(**given_).last_hidden_state[:, 0]
            logits = head.out(head.dense(states).tanh())
        else:
            at_mask = model(**given_).logits[ids == backbone.special.mask]
            logits = at_mask[:, backbone.tokens_of(recipe.words)]
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return model, losses


@pytest.mark.parametrize("method", DENSE)
def test_it_equals_plain_fine_tuning(still: Backbone, method: Method) -> None:
    given = batches(still, method)
    ours = Ours(still, method, given)
    losses = ours.run(still, given)
    model, plain_losses = run_plain(still, method, given)

    assert losses == pytest.approx(plain_losses, abs=1e-5)
    assert abs(losses[0] - losses[-1]) > 1e-3
    delta = ours.model.delta(ours.model.values.detach(), "fp32")
    tuned = copy.deepcopy(still.model)
    apply(tuned, delta, None)
    for name in still.parameters:
        assert torch.allclose(
            tuned.get_parameter(in_model(name)), model.get_parameter(in_model(name)), atol=1e-5, rtol=0
        ), name
    unmoved = {name for name in still.parameters if name not in delta.values}
    assert unmoved == ({name for name in still.parameters if name.startswith("lm_head.")} if method == "ft" else set())


@pytest.mark.parametrize("method", DENSE)
def test_what_is_published_is_what_was_trained(still: Backbone, method: Method) -> None:
    given = batches(still, method)
    ours = Ours(still, method, given)
    ours.run(still, given)
    tied = ours.words is not None and DECODER not in still.parameters
    adapter = Adapter(
        prompt=torch.empty(0, still.info.hidden) if ours.prompt is None else ours.prompt().detach(),
        delta=ours.model.delta(ours.model.values.detach(), "fp32"),
        method=method,
        strategy="tied" if tied else "decoupled",
        backbone=still.info.fingerprint,
        ticket_sha256=None,
        template=TemplateOptions(literal=False, max_length=64),
        head={} if ours.head is None else {name: each.detach() for name, each in ours.head.named_parameters()},
    )
    batch, encoder = pack(given[0][0], pad=still.special.pad), Encoder(still)
    prompts = adapter.prompt.repeat(batch.size, 1)
    weights = ours.model.weights()
    if adapter.head:
        object.__setattr__(weights, "classifier", ClassHead(adapter.head))
    with torch.no_grad():
        trained, published = (
            encoder(weights, batch, prompts),
            encoder(materialise(still, adapter, None), batch, prompts),
        )
    assert torch.allclose(trained, published, atol=1e-5)


def test_rows_that_cannot_move_are_not_published(still: Backbone) -> None:
    given = batches(still, "dp")
    ours = Ours(still, "dp", given)
    ours.run(still, given)
    delta = ours.model.delta(ours.model.values.detach(), "fp16")

    assert set(delta.rows[WORD_EMBEDDINGS].tolist()) <= set(ours.model.rows[WORD_EMBEDDINGS].tolist())
    assert set(delta.rows[LM_BIAS].tolist()) == set(still.tokens_of(METHODS["dp"].words or {}).tolist())
    longest = max(len(example.ids) for encoded, _ in given for example in encoded)
    positions = delta.rows["roberta.embeddings.position_embeddings.weight"].tolist()
    assert positions == list(range(2, 2 + longest))


def test_reset_puts_everything_back(still: Backbone) -> None:
    given = batches(still, "sp")
    ours = Ours(still, "sp", given)
    ours.run(still, given)
    assert ours.model.delta(ours.model.values.detach(), "fp16").values
    ours.model.reset()
    assert not ours.model.delta(ours.model.values.detach(), "fp16").values
