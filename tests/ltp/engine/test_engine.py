"""The engine: a mixed batch equals the solo runs, whatever leaves the cache meanwhile; strangers are never served."""

import copy
import dataclasses
import threading
from collections.abc import Callable
from math import prod

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.in_place import apply
from support.synthetic import pairs, random_changes, random_ticket

from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.backbone.load import Backbone
from ltp.backbone.strategy import Strategy
from ltp.delta.delta import Delta, encode
from ltp.engine.cache import ByteCache
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest, Prediction
from ltp.engine.usage import AdapterUse
from ltp.errors import BackboneMismatch, CorruptArtifact, DeltaDoesNotFitTicket
from ltp.model.template import Template
from ltp.ticket.mask import Ticket

Library = dict[str, tuple[Adapter, Ticket | None]]
TEXTS = [(example.premise, example.hypothesis) for example in pairs(40, seed=11)]
TEXTS += [("dog " * 50, "a cat"), ("x", "y"), ("🦙 ١٢٣ \u200f", "<mask> </s>"), ("...", "?")]
LENGTHS = {"a": 3, "b": 4, "c": 4, "d": 5, "pt1": 4, "pt2": 2}


def adapter_on(backbone: Backbone, ticket: Ticket | None, *, seed: int, length: int) -> Adapter:
    return Adapter(
        prompt=torch.randn(length, backbone.info.hidden, generator=torch.Generator().manual_seed(seed)),
        delta=encode(random_changes(ticket, seed=seed, size=0.05), ticket) if ticket else Delta({}, {}, {}),
        method="ltp" if ticket else "pt",
        strategy=ticket.strategy if ticket else "decoupled",
        backbone=backbone.info.fingerprint,
        ticket_sha256=ticket.sha256 if ticket else None,
        template=TemplateOptions(literal=seed % 2 == 0, max_length=40 + seed),
    )


@pytest.fixture(scope="module")
def library(tiny_backbone: Backbone) -> Library:
    """Adapters of every strategy on three tickets, and two that are a prompt alone."""
    tickets: dict[str, Ticket | None] = dict.fromkeys(LENGTHS)
    tickets["a"] = tickets["b"] = random_ticket(tiny_backbone, 0.2)
    tickets["c"] = random_ticket(tiny_backbone, 0.3, strategy="tied")
    tickets["d"] = random_ticket(tiny_backbone, 0.5, strategy="frozen_embeddings", only="roberta.encoder.layer.1.")
    return {
        key: (adapter_on(tiny_backbone, ticket, seed=seed, length=LENGTHS[key]), ticket)
        for seed, (key, ticket) in enumerate(tickets.items())
    }


@pytest.fixture(scope="module")
def solo(tiny_backbone: Backbone, library: Library) -> Callable[[str, tuple[str, str]], Prediction]:
    """Each pair alone, in an engine of its own for each adapter."""
    engines = {key: Engine(tiny_backbone, source=library.__getitem__) for key in library}
    known: dict[tuple[str, tuple[str, str]], Prediction] = {}

    def answer(key: str, text: tuple[str, str]) -> Prediction:
        if (key, text) not in known:
            (known[key, text],) = engines[key].predict([PairRequest(key, *text)])
        return known[key, text]

    return answer


def assert_close(found: Prediction, expected: Prediction) -> None:
    assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-5)
    assert found.truncated == expected.truncated


def test_it_answers_as_transformers_with_the_delta_applied(tiny_backbone: Backbone, library: Library) -> None:
    engine = Engine(tiny_backbone, source=library.__getitem__)
    spread = []
    for key, (adapter, ticket) in library.items():
        model = copy.deepcopy(tiny_backbone.model)
        if adapter.strategy != "tied":
            model.lm_head.decoder.weight = torch.nn.Parameter(model.lm_head.decoder.weight.clone(), requires_grad=False)
        if ticket:
            apply(model, adapter.delta, ticket)
        options = dataclasses.asdict(adapter.template)
        template = Template(tiny_backbone, prompt_length=len(adapter.prompt), text_form=adapter.text_form, **options)
        answers = engine.predict([PairRequest(key, *text) for text in TEXTS[-8:]])
        for example, answer in zip(template.encode(TEXTS[-8:]), answers, strict=True):
            with torch.inference_mode():
                embeddings = model.roberta.embeddings.word_embeddings(torch.tensor([example.ids]))
                embeddings[0, -2 - len(adapter.prompt) : -2] = adapter.prompt
                logits = model(inputs_embeds=embeddings).logits[0, -2, tiny_backbone.verbalizer]
            assert answer.probabilities == pytest.approx(logits.softmax(0).tolist(), abs=1e-5)
            assert answer.truncated == example.truncated
        spread.append(answers[0].probabilities)
    assert len({round(row[0], 4) for row in spread}) == len(library)  # the adapters do differ


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(LENGTHS)), st.sampled_from(TEXTS)), min_size=1, max_size=40),
    st.sampled_from([0, 20_000, 10**9]),
    st.sampled_from([1, 100, 4096]),
)
def test_a_mixed_batch_equals_each_pair_alone(
    tiny_backbone: Backbone,
    library: Library,
    solo: Callable[[str, tuple[str, str]], Prediction],
    asked: list[tuple[str, tuple[str, str]]],
    fused_bytes: int,
    max_tokens: int,
) -> None:
    engine = Engine(
        tiny_backbone, source=library.__getitem__, fused_bytes=fused_bytes, compact_bytes=50_000, max_tokens=max_tokens
    )
    answers = engine.predict([PairRequest(key, *text) for key, text in asked])
    for (key, text), answer in zip(asked, answers, strict=True):
        assert_close(answer, solo(key, text))


def solo_bytes(backbone: Backbone, library: Library, key: str) -> float:
    engine = Engine(backbone, source=library.__getitem__)
    for _ in range(2):
        engine.predict([PairRequest(key, "a", "b")])
    return engine.stats()["fused_bytes"]


def test_answers_under_eviction_churn_equal_solo_answers(
    tiny_backbone: Backbone, library: Library, solo: Callable[[str, tuple[str, str]], Prediction]
) -> None:
    room = int(solo_bytes(tiny_backbone, library, "c")) + 1000  # the largest fits, two of them do not
    engine = Engine(tiny_backbone, source=library.__getitem__, fused_bytes=room, compact_bytes=60_000)
    generator = torch.Generator().manual_seed(0)
    for round_ in range(30):
        wanted = sorted(library)[round_ // 5 :]  # what was asked for first is not asked for any more
        keys = [wanted[index] for index in torch.randint(len(wanted), (6,), generator=generator)]
        texts = [TEXTS[index] for index in torch.randint(len(TEXTS), (6,), generator=generator)]
        answers = engine.predict([PairRequest(key, *text) for key, text in zip(keys, texts, strict=True)])
        for key, text, answer in zip(keys, texts, answers, strict=True):
            assert_close(answer, solo(key, text))
        assert engine.stats()["fused_bytes"] <= room
        assert engine.stats()["compact_bytes"] <= 60_000
    assert engine.stats()["fused_evictions"] > 1
    assert engine.stats()["compact_evictions"] > 5
    assert engine.stats()["pairs"] == 180


def test_each_use_is_told_with_what_it_took(tiny_backbone: Backbone, library: Library) -> None:
    told: list[AdapterUse] = []
    engine = Engine(tiny_backbone, source=library.__getitem__, on_use=told.append)
    for _ in range(3):
        engine.predict([PairRequest("a", "a", "b"), PairRequest("a", "c", "d")])
    assert [use[:4] for use in told] == [
        ("a", "compact", True, False),
        ("a", "fused", False, True),
        ("a", "fused", False, False),
    ]
    assert all(use.began <= use.ended for use in told)


def test_the_backbone_is_never_modified_and_shared_by_reference(tiny_backbone: Backbone, library: Library) -> None:
    before = {name: tensor.clone() for name, tensor in tiny_backbone.parameters.items()}
    engine = Engine(tiny_backbone, source=library.__getitem__)
    engine.predict([PairRequest(key, *text) for key in library for text in TEXTS[:3]])
    for name, tensor in before.items():
        assert torch.equal(tensor.view(torch.int32), tiny_backbone.parameters[name].view(torch.int32)), name

    sizes = {key: solo_bytes(tiny_backbone, library, key) for key in library}
    layer = [f"roberta.encoder.layer.1.{part}" for part in ("attention", "intermediate", "output")]
    shapes = [shape for name, shape in tiny_backbone.shapes.items() if name.startswith(tuple(layer))]
    linear = sum(4 * prod(shape) for shape in shapes) - 4 * 4 * tiny_backbone.info.hidden  # norms are frozen
    prompt = 4 * tiny_backbone.info.hidden
    assert sizes["pt1"] == 4 * prompt
    assert sizes["d"] == linear + 5 * prompt  # the layer its ticket is in, and no embeddings
    assert sizes["a"] > sizes["d"] > sizes["pt1"]


@pytest.mark.parametrize("strategy", ["decoupled", "tied"])
def test_a_stranger_is_refused_never_served(tiny_backbone: Backbone, library: Library, strategy: Strategy) -> None:
    adapter, ticket = library["a" if strategy == "decoupled" else "c"]
    assert ticket is not None
    stranger = dataclasses.replace(adapter, backbone="0" * 64)
    foreign = Ticket(ticket.masks, ticket.shapes, ticket.selectable, 0, 0, ticket.strategy, "0" * 64)
    other = random_ticket(tiny_backbone, 0.2, seed=99)
    wide = dataclasses.replace(adapter, prompt=torch.zeros(4, tiny_backbone.info.hidden + 2))
    shelf: Library = {
        "stranger": (stranger, ticket),
        "foreign": (adapter, foreign),
        "other": (adapter, other),
        "none": (adapter, None),
        "strategy": (dataclasses.replace(adapter, strategy="frozen_embeddings"), ticket),
        "wide": (wide, ticket),
        "endless": (dataclasses.replace(adapter, template=TemplateOptions(literal=False, max_length=10**6)), ticket),
        "tight": (dataclasses.replace(adapter, template=TemplateOptions(literal=False, max_length=9)), ticket),
        "good": (adapter, ticket),
    }
    engine = Engine(tiny_backbone, source=shelf.__getitem__)
    for key in ("stranger", "foreign"):
        with pytest.raises(BackboneMismatch):
            engine.predict([PairRequest("good", "a", "b"), PairRequest(key, "a", "b")])
    for key in ("wide", "endless", "tight"):
        with pytest.raises(CorruptArtifact):
            engine.predict([PairRequest(key, "a", "b")])
    for key in ("other", "none", "strategy"):
        with pytest.raises(DeltaDoesNotFitTicket):
            engine.predict([PairRequest(key, "a", "b")])
    with pytest.raises(KeyError):
        engine.predict([PairRequest("absent", "a", "b")])
    assert len(engine.predict([PairRequest("good", "a", "b")])) == 1
    assert engine.stats()["fused_entries"] == 1


def test_a_dropped_adapter_is_fetched_again(tiny_backbone: Backbone, library: Library) -> None:
    shelf = {"x": library["a"]}
    fetched = []

    def source(key: str) -> tuple[Adapter, Ticket | None]:
        fetched.append(key)
        return shelf[key]

    engine = Engine(tiny_backbone, source=source)
    ask = [PairRequest("x", *TEXTS[0])]
    (first,) = engine.predict(ask)
    assert_close(engine.predict(ask)[0], first)
    assert fetched == ["x"]
    shelf["x"] = library["c"]
    assert_close(engine.predict(ask)[0], first)
    engine.drop("x")
    assert engine.predict(ask)[0].probabilities != pytest.approx(first.probabilities, abs=1e-3)
    assert fetched == ["x", "x"]


def test_bf16_serving_stays_close(tiny_backbone: Backbone, library: Library) -> None:
    ask = [PairRequest(key, *text) for key in library for text in TEXTS[:10]]
    exact = Engine(tiny_backbone, source=library.__getitem__).predict(ask)
    rough = Engine(tiny_backbone, source=library.__getitem__, precision="bf16").predict(ask)
    gaps = [
        abs(a - b)
        for one, two in zip(exact, rough, strict=True)
        for a, b in zip(one.probabilities, two.probabilities, strict=True)
    ]
    assert 0 < max(gaps) < 0.05


def test_no_requests_no_answers(tiny_backbone: Backbone, library: Library) -> None:
    assert Engine(tiny_backbone, source=library.__getitem__).predict([]) == []


def test_a_pinned_value_stays_and_the_least_recently_used_leaves() -> None:
    cache: ByteCache[str] = ByteCache(10)

    def use(key: str, size: int = 4) -> None:
        with cache.pinned(key, lambda: (key, size)):
            pass

    use("a")
    use("b")
    use("a")
    use("c")
    assert ("a" in cache, "b" in cache, "c" in cache) == (True, False, True)
    with cache.pinned("a", lambda: ("a", 4)):
        use("d", 9)
        assert "a" in cache
        assert "d" not in cache
    use("e", 40)
    assert cache.stats()["bytes"] <= 10
    assert "e" not in cache


def test_what_is_dropped_while_it_is_made_does_not_stay() -> None:
    cache: ByteCache[str] = ByteCache(10)

    def make() -> tuple[str, int]:
        dropper = threading.Thread(target=cache.drop, args=("a",))
        dropper.start()
        dropper.join()
        return "old", 1

    with cache.pinned("a", make) as value:
        assert value == "old"
    assert "a" not in cache
    assert cache.stats()["bytes"] == 0


def test_what_is_fetched_ahead_is_fetched_once(tiny_backbone: Backbone, library: Library) -> None:
    begun, go_on, fetched = threading.Event(), threading.Event(), []

    def source(key: str) -> tuple[Adapter, Ticket | None]:
        fetched.append(key)
        begun.set()
        assert go_on.wait(10)
        return library[key]

    engine = Engine(tiny_backbone, source=source)
    engine.prefetch(["a", "a", "b"])
    assert begun.wait(10)
    assert not engine.holds("a")
    threading.Timer(0.05, go_on.set).start()
    assert len(engine.predict([PairRequest("a", *TEXTS[0])])) == 1  # waits for the one under way
    assert len(engine.predict([PairRequest("b", *TEXTS[0])])) == 1
    engine.prefetch(["a", "b"])
    assert fetched == ["a", "b"]


def test_whoever_asks_learns_why_it_could_not_be_fetched(tiny_backbone: Backbone, library: Library) -> None:
    begun, go_on = threading.Event(), threading.Event()
    shelf: Library = {}

    def source(key: str) -> tuple[Adapter, Ticket | None]:
        begun.set()
        assert go_on.wait(10)
        return shelf[key]

    engine = Engine(tiny_backbone, source=source)
    engine.prefetch(["a"])
    assert begun.wait(10)
    threading.Timer(0.05, go_on.set).start()
    with pytest.raises(KeyError):
        engine.predict([PairRequest("a", *TEXTS[0])])
    shelf["a"] = library["a"]
    engine.prefetch(["a"])
    assert len(engine.predict([PairRequest("a", *TEXTS[0])])) == 1


def test_what_is_dropped_while_it_is_fetched_ahead_does_not_stay(tiny_backbone: Backbone, library: Library) -> None:
    begun, go_on, over = threading.Event(), threading.Event(), threading.Event()

    def source(key: str) -> tuple[Adapter, Ticket | None]:
        if key == "b":
            over.set()
            return library[key]
        begun.set()
        assert go_on.wait(10)
        return library[key]

    engine = Engine(tiny_backbone, source=source)
    engine.prefetch(["a", "b"])
    assert begun.wait(10)
    engine.drop("a")
    go_on.set()
    assert over.wait(10)  # the thread takes one after the other
    assert not engine.holds("a")
