"""Both clients on a running service: from text and pairs to answers, files and tables, and back to nothing."""

from __future__ import annotations

import io
import threading
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.driven import KINDS, opened
from support.needs import PROCESS, needs
from support.running_service import EXAMPLES, LINES, Service, running, settings_for
from support.servers import sqlite_template

import ltp_client
from ltp_client import Event

pytestmark = pytest.mark.slow
TRAINING = {"epochs": 1, "learning_rate": 1e-3}
PAIRS = [("the dog runs in the field", "the dog runs"), ("the cat eats", "the cat is red")]


@pytest.fixture(scope="module")
@needs(PROCESS)
def service(tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path) -> Iterator[Service]:
    """A service with a ticket named `first`, and `en`, version 1, in production."""
    folder = tmp_path_factory.mktemp("service")
    settings = settings_for(folder / "data", sqlite_template(folder), tiny_backbone_dir)
    with running(settings) as started:
        with ltp_client.Client(started.url) as client:
            client.wait_until_up(timeout_s=240)
        started.make_ticket(name="first")
        started.train("en", alias="production", start=None)
        yield started


@pytest.fixture(params=KINDS)
def client(request: pytest.FixtureRequest, service: Service) -> Iterator[Any]:
    with opened(request.param, service.url) as made:
        yield made


@contextmanager
def worked(service: Service) -> Iterator[None]:
    """A worker, meanwhile."""
    worker = threading.Thread(target=service.work)
    worker.start()
    yield
    worker.join(120)


def test_a_ticket_is_made_of_sentences_while_its_progress_is_shown(service: Service, client: Any) -> None:
    seen: list[Event] = []
    running = client.tickets.create(LINES, name="mine", active_ratio=0.1, mlm={"epochs": 1, "batch_size": 8})
    assert (running.made.status, running.job.status) == ("pending", "queued")
    with worked(service):
        ticket = running.wait(progress=seen.append)
    assert (ticket.status, ticket.name, ticket.active_ratio) == ("ready", "mine", 0.1)
    assert running.job.status == "succeeded"
    assert [event.kind for event in seen][-1] == "done"
    assert {event.data["phase"] for event in seen if event.kind == "progress"}
    known = seen[1].id
    assert [event.id for event in running.events(after=known)] == [event.id for event in seen[2:]]
    client.tickets.delete("mine")
    with pytest.raises(ltp_client.NotFound):
        client.tickets.get("mine")


@pytest.mark.parametrize("of", [list, lambda rows: pd.DataFrame(rows)], ids=["list", "DataFrame"])
def test_an_adapter_is_trained_on_a_list_and_on_a_table(
    service: Service, client: Any, of: Callable[[Any], Any]
) -> None:
    running = client.adapters.train(
        of(EXAMPLES), lang="sw", ticket=client.tickets.get("first").id, start=None, alias="tried", training=TRAINING
    )
    service.work()
    adapter = running.wait()
    assert (adapter.lang, adapter.status, adapter.aliases, adapter.start) == ("sw", "ready", ["tried"], None)
    assert adapter.metrics.dev.accuracy is not None
    assert adapter.training["epochs"] == 1
    assert client.adapters.get("sw@tried").id == adapter.id == client.adapters.get(f"sw@{adapter.version}").id
    assert client.adapters.promote(f"sw@{adapter.version}", alias="other").version == adapter.version
    assert [each.id for each in client.adapters.list(lang="sw", limit=1)] == [adapter.id]
    client.languages.delete_alias("sw", "tried")
    client.languages.delete_alias("sw", "other")
    client.adapters.delete(adapter.id)


def test_pairs_are_judged_at_once_however_many(client: Any) -> None:
    answer = client.predict(PAIRS * 200, lang="en")
    assert len(answer.predictions) == 400
    first = answer.predictions[0]
    shares = first.probabilities.model_dump()
    assert first.label == max(shares, key=shares.__getitem__)
    assert (first.adapter.lang, first.adapter.version, first.fallback) == ("en", 1, False)
    two_way = client.predict([{"premise": "a", "hypothesis": "the", "adapter": "en@1"}], answered_as="two_way")
    assert two_way.predictions[0].probabilities.not_entailment > 0


def test_a_table_is_judged_by_a_job_and_comes_back_as_rows(service: Service, client: Any, tmp_path: Path) -> None:
    table = pd.DataFrame(PAIRS, columns=["premise", "hypothesis"]).assign(number=[7, 8])
    running = client.predictions.submit(table, lang="en", min_confidence=0.2)
    service.work()
    prediction = running.wait()
    assert (prediction.status, prediction.pairs) == ("ready", 2)
    rows = client.predictions.rows(prediction.id)
    assert [row["number"] for row in rows] == [7, 8]
    assert [row["label"] for row in rows] == [each.label for each in client.predict(PAIRS, lang="en").predictions]
    size = client.predictions.save(prediction.id, tmp_path / "judged.jsonl")
    assert (tmp_path / "judged.jsonl").stat().st_size == size
    assert client.predictions.get(prediction.id).adapters[0].rows == 2
    client.predictions.delete(prediction.id)


def test_a_file_is_judged_and_its_rows_are_text(service: Service, client: Any) -> None:
    file = io.StringIO("premise,hypothesis,note\nthe dog runs,the dog eats,01\n")
    running = client.predictions.submit(file, adapter="en@production")
    service.work()
    (row,) = client.predictions.rows(running.wait().id)
    assert (row["premise"], row["note"]) == ("the dog runs", "01")
    assert 0 < float(row["entailment"]) < 1


def test_a_file_is_looked_at_before_anything_is_done_with_it(client: Any) -> None:
    reading = client.data.check(pd.DataFrame(EXAMPLES), task="train")
    assert (reading.format, reading.rows, reading.read) == ("jsonl", len(EXAMPLES), len(EXAMPLES))
    assert {label.label for label in reading.labels.values()} == {"entailment", "neutral", "contradiction"}
    chosen = client.adapters.suggest("en", pd.DataFrame(PAIRS, columns=["premise", "hypothesis"]), n=1)
    assert (chosen.pairs, len(chosen.items)) == (2, 1)


def test_an_adapter_leaves_and_comes_back(client: Any, tmp_path: Path) -> None:
    file = tmp_path / "en.safetensors"
    assert client.adapters.export("en", file) == file.stat().st_size
    imported = client.adapters.import_file(file, lang="fr")
    assert (imported.lang, imported.origin, imported.ticket) == ("fr", "import", client.tickets.get("first").id)
    composed = client.adapters.compose([{"adapter": "en@1", "weight": 0.5}, {"adapter": imported.id}], lang="fr")
    assert composed.origin == "composed"
    assert "fr" in {language.lang for language in client.languages.list()}
    for each in (imported, composed):
        client.adapters.delete(each.id)


def test_an_adapter_leaves_as_a_whole_model(client: Any, tmp_path: Path) -> None:
    archive = tmp_path / "en.zip"
    assert client.adapters.export("en", archive, format="hf") == archive.stat().st_size
    assert {Path(name).name for name in zipfile.ZipFile(archive).namelist()} >= {"model.safetensors", "answer.py"}
    with pytest.raises(ltp_client.InvalidRequest, match="int8 goes with format onnx"):
        client.adapters.export("en", tmp_path / "en.safetensors", int8=True)


def test_what_the_service_does_not_take_says_which_field_and_what_would_be_right(client: Any) -> None:
    wrong = [{**EXAMPLES[0], "label": "perhaps"}]
    with pytest.raises(ltp_client.InvalidRequest) as caught:
        client.adapters.train(wrong, lang="en", alias="No Name")
    paths = {each["path"] for each in caught.value.fields}
    assert paths >= {"examples.0.label", "alias"}
    assert caught.value.request_id
    with pytest.raises(ltp_client.Conflict) as held:
        client.adapters.delete("en@1")
    assert held.value.code == "in_use"


def test_what_is_sent_twice_with_a_key_is_begun_once(service: Service, client: Any) -> None:
    options = {"lang": "de", "ticket": client.tickets.get("first").id, "start": None, "key": str(uuid.uuid4())}
    first, second = (client.adapters.train(EXAMPLES, **options) for _ in range(2))
    assert first.id == second.id
    assert first.cancel().status == "cancelled"
    with pytest.raises(ltp_client.JobCancelled):
        first.wait()
    assert client.jobs.get(first.id).status == "cancelled"


def test_a_languages_own_text_is_trained_on(service: Service, client: Any) -> None:
    running = client.languages.adapt("quy", LINES, mlm={"epochs": 1, "batch_size": 8})
    service.work()
    made = running.wait()
    assert (made.lang, made.status) == ("quy", "ready")
    assert [each.id for each in client.language_deltas.list(lang="quy")] == [made.id]
    client.language_deltas.delete(made.id)


def test_who_may_and_who_did(client: Any) -> None:
    made = client.keys.create("a laptop", scopes=["read"])
    assert made.secret
    assert made.id in {key.id for key in client.keys.list()}
    client.keys.revoke(made.id)
    assert made.id not in {key.id for key in client.keys.list()}
    assert [event.action for event in client.audit.list(limit=2)] == ["revoke_key", "create_key"]


def test_what_an_adapter_answered_and_learnt_from_is_there(service: Service, client: Any, tmp_path: Path) -> None:
    answers = list(client.adapters.answers("en"))
    wrong = list(client.adapters.answers("en", wrong=True))
    assert len(wrong) == sum(each.label != each.predicted for each in answers)
    assert client.adapters.compare("en", "en@1").difference == 0
    client.adapters.save_examples("en", tmp_path / "pairs.jsonl")
    assert len((tmp_path / "pairs.jsonl").read_text("utf-8").splitlines()) == len(EXAMPLES)
    assert client.adapters.estimate(96, start=None).seconds > 0
    drift = client.tickets.get("first").drift
    assert client.drifts.preview(drift, active_ratio=0.1, layers="upper").active > 0


def test_what_runs_there(client: Any) -> None:
    assert (client.caller().kind, client.quota().unfinished_jobs) == ("local", 0)
    assert client.wait_until_up(timeout_s=5).status == "ready"
    assert client.backbone().layers == 2
    assert client.version().api == "v1"
    assert list(client.workers.list()) == []
    assert {job.kind for job in client.jobs.list(kind="ticket")} == {"ticket"}
    assert list(client.drifts.list(limit=1))
