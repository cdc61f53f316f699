"""Many adapters in one forward pass: each as if alone, in every tier, and what none of them changes only once."""

import dataclasses
from collections import Counter

import pytest
import torch
from support.every_adapter import LAYERS, Library
from support.synthetic import pairs

from ltp.adapter.artefact import Adapter
from ltp.adapter.materialise import materialise
from ltp.backbone.architecture import POSITION_EMBEDDINGS, TYPE_EMBEDDINGS, WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.engine.compact import CompactAdapter
from ltp.engine.engine import Engine
from ltp.engine.forward import Forward
from ltp.engine.packing import pack_mixed
from ltp.engine.pairs import PairRequest
from ltp.engine.shared_weights import SharedWeights
from ltp.model.classify import classify
from ltp.model.encoder import Encoder
from ltp.model.methods import METHODS
from ltp.model.template import Encoded, Template

TEXTS = [(example.premise, example.hypothesis) for example in pairs(14, seed=3)] + [("dog " * 60, "a"), ("x", "y")]
TEXTS[3] = ("the Ɛ  cafe\u0301 dog ", " \u200bn\u0303 a\u0323 ?\u200f")  # not the same tokens in every form


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
