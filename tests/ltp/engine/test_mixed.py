"""Many adapters in one forward pass: each as if alone, in every tier, and what none of them changes only once."""

import dataclasses
from collections import Counter
from math import prod
from pathlib import Path

import pytest
import torch
from support.synthetic import pairs, random_changes, random_ticket
from support.tiny_backbone import write_tiny

from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.adapter.materialise import materialise
from ltp.backbone.architecture import BY_ROWS, POSITION_EMBEDDINGS, TYPE_EMBEDDINGS, WORD_EMBEDDINGS
from ltp.backbone.load import Backbone, load_backbone
from ltp.calibration import Calibration
from ltp.config import LabelSpace
from ltp.delta.delta import Delta, encode, encode_dense
from ltp.engine.compact import CompactAdapter
from ltp.engine.engine import Engine
from ltp.engine.forward import Forward
from ltp.engine.packing import pack_mixed
from ltp.engine.pairs import PairRequest
from ltp.engine.shared_weights import SharedWeights
from ltp.model.classify import classify
from ltp.model.encoder import Encoder
from ltp.model.head import Classifier
from ltp.model.methods import METHODS, Method
from ltp.model.template import Encoded, Template
from ltp.model.verbalizer import Verbalizer, verbalizer_of
from ltp.ticket.mask import Ticket

Library = dict[str, tuple[Adapter, Ticket | None]]
TEXTS = [(example.premise, example.hypothesis) for example in pairs(14, seed=3)] + [("dog " * 60, "a"), ("x", "y")]
TEXTS[3] = ("the Ɛ  cafe\u0301 dog ", " \u200bn\u0303 a\u0323 ?\u200f")  # not the same tokens in every form
LAYERS = 3
DENSE: tuple[Method, ...] = ("ft", "dp", "sp", "mp")
OWN: dict[LabelSpace, dict[str, str]] = {
    "three_way": {"contradiction": "cat", "entailment": "dog", "neutral": "bird"},
    "two_way": {"not_entailment": "nothing", "entailment": "right"},
}
CALIBRATIONS: dict[LabelSpace, Calibration] = {
    "three_way": Calibration(2.5, (0.75, -0.25, -0.5)),
    "two_way": Calibration(0.4, (-1.5, 1.5)),
}


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return load_backbone(write_tiny(Path(tmp_path_factory.mktemp("three")), layers=LAYERS))


@pytest.fixture(scope="module")
def library(backbone: Backbone) -> Library:
    """Adapters of every scope and strategy, one whose ticket changed nothing, two of a prompt alone, and dense ones.

    Then some of them again with two labels, with words of their own, or calibrated.
    """
    layer = "roberta.encoder.layer."
    tickets: dict[str, Ticket | None] = {
        "all": random_ticket(backbone, 0.3),
        "lower": random_ticket(backbone, 0.3, only=f"{layer}0."),
        "middle": random_ticket(backbone, 0.3, only=f"{layer}1."),
        "upper": random_ticket(backbone, 0.3, only=f"{layer}2."),
        "query alone": random_ticket(backbone, 0.5, only=f"{layer}1.attention.self.query.weight"),
        "words alone": random_ticket(backbone, 0.5, only="roberta.embeddings.word"),
        "tied": random_ticket(backbone, 0.3, strategy="tied"),
        "frozen": random_ticket(backbone, 0.3, strategy="frozen_embeddings"),
        "nothing": random_ticket(backbone, 0.3, seed=5),
        "pt": None,
        "pt of two": None,
    }
    found: Library = {}
    for seed, (key, ticket) in enumerate(tickets.items()):
        found[key] = _adapter(backbone, key, ticket, seed), ticket
    for seed, method in enumerate(DENSE, start=len(tickets)):
        found[method] = _dense(backbone, method, seed), None
    for number, key in enumerate(("all", "tied", "nothing", "pt", *DENSE)):
        adapter, ticket = found[key]
        found[f"{key}, two-way"] = _answering(adapter, verbalizer_of(adapter.method, "two_way"), seed=number), ticket
        if METHODS[adapter.method].words:
            for space, words in OWN.items():
                own = verbalizer_of(adapter.method, space, words)
                found[f"{key}, {space} with own words"] = _answering(adapter, own, seed=number), ticket
    for key in ("all", "pt", "ft", "nothing, two-way"):
        adapter, ticket = found[key]
        calibration = CALIBRATIONS[adapter.verbalizer.label_space]
        found[f"{key}, calibrated"] = dataclasses.replace(adapter, calibration=calibration), ticket
    return found


def _answering(adapter: Adapter, verbalizer: Verbalizer, *, seed: int) -> Adapter:
    hidden, classes = adapter.prompt.shape[1], len(verbalizer.labels)
    head = dict(Classifier(hidden, classes=classes, seed=seed).state_dict()) if adapter.head else {}
    return dataclasses.replace(adapter, head=head, chosen=verbalizer)


def _dense(backbone: Backbone, method: Method, seed: int) -> Adapter:
    """Every parameter moves, of word embeddings and biases those of some rows."""
    recipe, hidden, generator = METHODS[method], backbone.info.hidden, _seeded(seed)
    shapes = {name: shape for name, shape in backbone.shapes.items() if name in BY_ROWS}
    rows = {name: torch.arange(min(seed % 3, shape[0] - 1), shape[0], 3) for name, shape in shapes.items()}
    kept = {name: (len(rows[name]), *shape[1:]) if name in rows else shape for name, shape in backbone.shapes.items()}
    changes = {name: 0.05 * torch.randn(prod(shape), generator=generator) for name, shape in kept.items()}
    return Adapter(
        prompt=torch.randn(4 if recipe.soft else 0, hidden, generator=generator),
        delta=encode_dense(changes, rows),
        method=method,
        strategy="decoupled" if recipe.words is None else "tied",
        backbone=backbone.info.fingerprint,
        ticket_sha256=None,
        template=TemplateOptions(literal=False, max_length=48),
        head={} if recipe.words else dict(Classifier(hidden, classes=3, seed=seed).state_dict()),
    )


def _adapter(backbone: Backbone, key: str, ticket: Ticket | None, seed: int) -> Adapter:
    changes = random_changes(ticket, seed=seed, size=0.0 if key == "nothing" else 0.05) if ticket else {}
    if WORD_EMBEDDINGS in changes:
        changes[WORD_EMBEDDINGS][seed::3] = 0
        changes[WORD_EMBEDDINGS][: len(changes[WORD_EMBEDDINGS]) // 3] = 0  # whole rows that did not move
    return Adapter(
        prompt=torch.randn(2 if key == "pt of two" else 4, backbone.info.hidden, generator=_seeded(seed)),
        delta=encode(changes, ticket) if ticket else Delta({}, {}, {}),
        method="ltp" if ticket else "pt",
        strategy=ticket.strategy if ticket else "decoupled",
        backbone=backbone.info.fingerprint,
        ticket_sha256=ticket.sha256 if ticket else None,
        template=TemplateOptions(literal=seed % 2 == 0, max_length=48),
        text_form=1 if seed % 3 else 0,
    )


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def encoded(backbone: Backbone, adapter: Adapter) -> list[Encoded]:
    options, form = dataclasses.asdict(adapter.template), METHODS[adapter.method].form
    return Template(
        backbone, prompt_length=len(adapter.prompt), form=form, text_form=adapter.text_form, **options
    ).encode(TEXTS)


@pytest.fixture(scope="module")
def expected(backbone: Backbone, library: Library) -> dict[str, torch.Tensor]:
    """Logits of every text by the plain forward pass on whole fused copies, one adapter at a time."""
    found, encoder = {}, Encoder(backbone)
    for key, (adapter, ticket) in library.items():
        weights, examples = materialise(backbone, adapter, ticket), encoded(backbone, adapter)
        logits = classify(encoder, weights, examples, [adapter.prompt] * len(examples), pad=backbone.special.pad)
        assert logits.shape == (len(TEXTS), len(adapter.verbalizer.labels))
        found[key] = logits
    return found


def calibrated(library: Library, logits: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What each adapter's own calibration makes of its logits."""
    found = dict(logits)
    for key, (adapter, _) in library.items():
        if adapter.calibration is not None:
            found[key] = logits[key] / adapter.calibration.temperature + torch.tensor(adapter.calibration.bias)
    return found


def side_by_side(expected: dict[str, torch.Tensor]) -> torch.Tensor:
    """The logits of all adapters, those of two labels with -inf for the third."""
    widest = max(logits.shape[1] for logits in expected.values())
    fill = -torch.inf
    return torch.cat(
        [torch.nn.functional.pad(each, (0, widest - each.shape[1]), value=fill) for each in expected.values()]
    )


@pytest.mark.parametrize("tier", ["compact", "fused", "both"])
def test_a_mixed_batch_equals_the_plain_computation_one_by_one(
    backbone: Backbone, library: Library, expected: dict[str, torch.Tensor], tier: str
) -> None:
    shared = SharedWeights(backbone)
    forward, parts = Forward(shared), []
    for number, (key, (adapter, ticket)) in enumerate(library.items()):
        compact = CompactAdapter(shared, adapter, ticket)
        ready = tier == "fused" or (tier == "both" and number % 2)
        parts.append((compact.fused() if ready else compact.view, encoded(backbone, library[key][0])))
    with torch.inference_mode():
        logits = forward(pack_mixed(parts, pad=backbone.special.pad))
    assert torch.allclose(logits, side_by_side(expected), atol=1e-5)
    for key in ("all", "nothing", "dp"):
        assert torch.equal(expected[key][:, [0, 2]], expected[f"{key}, two-way"])  # the same words
        assert not torch.allclose(expected[key], expected[f"{key}, three_way with own words"], atol=1e-2)
    assert not torch.allclose(expected["all"][0], expected["upper"][0], atol=1e-2)  # they do differ


@pytest.mark.parametrize("fused_bytes", [0, 1 << 30])
def test_threads_that_take_a_lane_each_answer_as_one_does(
    backbone: Backbone, library: Library, expected: dict[str, torch.Tensor], fused_bytes: int
) -> None:
    engine = Engine(backbone, source=library.__getitem__, fused_bytes=fused_bytes)
    asked = [PairRequest(key, *text) for key in library for text in TEXTS]
    wanted = side_by_side(calibrated(library, expected)).softmax(1)
    uncalibrated = side_by_side(expected).softmax(1)
    assert not torch.allclose(wanted, uncalibrated, atol=1e-2)
    spaces = [library[key][0].verbalizer.label_space for key in library for _ in TEXTS]
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        for _ in range(3):  # answered as stored, then fused
            answers = engine.predict(asked)
            assert [answer.label_space for answer in answers] == spaces
            filled = torch.tensor([(*answer.probabilities, 0.0)[:3] for answer in answers])
            assert torch.allclose(filled, wanted, atol=1e-5)
    finally:
        torch.set_num_threads(before)
    assert bool(engine.stats()["fused_entries"]) == bool(fused_bytes)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_fused_adapter_answers_as_its_compact_form(backbone: Backbone, library: Library, precision: str) -> None:
    shared = SharedWeights(backbone, precision=precision)
    forward = Forward(shared)
    for key, (adapter, ticket) in library.items():
        compact, examples = CompactAdapter(shared, adapter, ticket), encoded(backbone, adapter)
        with torch.inference_mode():
            one, other = (
                forward(pack_mixed([(view, examples)], pad=backbone.special.pad))
                for view in (compact.view, compact.fused())
            )
        assert torch.allclose(one, other, atol=1e-5 if precision == "fp32" else 0.02), key


def test_every_matrix_of_embeddings_can_change_by_itself(backbone: Backbone, library: Library) -> None:
    assert {WORD_EMBEDDINGS, POSITION_EMBEDDINGS, TYPE_EMBEDDINGS} <= {*library["all"][0].delta.values}
    shared = SharedWeights(backbone)
    view = CompactAdapter(shared, *library["words alone"]).view
    assert {*view.embeddings} == {WORD_EMBEDDINGS}
    assert not view.products
    assert not view.norms
    assert CompactAdapter(shared, *library["tied"]).view.head is not None
    assert CompactAdapter(shared, *library["nothing"]).view.kind == ""


def test_layers_that_nobody_changes_run_once_for_the_whole_batch(backbone: Backbone, library: Library) -> None:
    shared, calls = SharedWeights(backbone), Counter[str]()

    def counted(name, product):
        def call(tokens):
            calls[name] += 1
            return product(tokens)

        return call

    shared.products = {name: counted(name, product) for name, product in shared.products.items()}
    views = [CompactAdapter(shared, *library[key]).view for key in ("pt", "upper", "nothing", "upper", "pt of two")]
    views.sort(key=lambda view: view.kind)
    examples = [encoded(backbone, library[key][0])[:3] for key in ("pt", "pt of two")]
    with torch.inference_mode():
        Forward(shared)(pack_mixed([(view, examples[len(view.prompt) == 2]) for view in views], pad=1))
    last = {f"{LAYERS - 1}.{part}" for part in ("q", "kv", "mix", "inner", "outer")}
    assert calls == dict.fromkeys(shared.products, 1)
    assert {*CompactAdapter(shared, *library["upper"]).view.products} == last


def test_compact_answers_take_a_scratch_of_one_product_and_no_place(backbone: Backbone, library: Library) -> None:
    engine = Engine(backbone, source=library.__getitem__, fused_bytes=0)
    roomy = Engine(backbone, source=library.__getitem__)
    asked = [PairRequest(key, *text) for key in library for text in TEXTS]
    roomy.predict(asked)
    assert roomy.stats()["fused_entries"] == 0  # who asks once is not worth a place
    for one, other in zip(engine.predict(asked), roomy.predict(asked), strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
    assert (engine.stats()["fused_entries"], engine.stats()["fused_bytes"]) == (0, 0)
    assert roomy.stats()["fused_entries"] == len(library)
    hidden = backbone.info.hidden
    assert SharedWeights(backbone).scratch.nbytes == 4 * (3 * hidden * hidden + 3 * hidden)  # query, key and value


def test_one_that_is_larger_than_every_bound_still_answers(backbone: Backbone, library: Library) -> None:
    asked = [PairRequest(key, *text) for key in library for text in TEXTS[:3]]
    tight = Engine(backbone, source=library.__getitem__, fused_bytes=1, compact_bytes=1)
    for one, other in zip(
        tight.predict(asked), Engine(backbone, source=library.__getitem__).predict(asked), strict=True
    ):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
    assert tight.stats()["compact_bytes"] <= 1


def test_a_batch_pins_no_more_than_the_bound_and_one(backbone: Backbone, library: Library) -> None:
    sizes = {key: adapter.nbytes for key, (adapter, _) in library.items()}
    bound, most = 2 * max(sizes.values()), 0

    def source(key):
        nonlocal most
        most = max(most, int(engine.stats()["compact_bytes"]))
        return library[key]

    engine = Engine(backbone, source=source, fused_bytes=0, compact_bytes=bound)
    engine.predict([PairRequest(key, *TEXTS[0]) for key in library])
    assert bound / 2 < most < bound + 2 * max(sizes.values())
    assert engine.stats()["compact_bytes"] <= bound
