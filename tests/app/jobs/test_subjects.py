"""What jobs are about: the language and the name of what each makes."""

from __future__ import annotations

from support.registry_rows import make_adapter, make_language_delta, make_prediction, make_ticket, ready_adapter

from app.jobs.subjects import subjects
from app.storage.database import Database
from app.storage.models import AdapterRow, PredictionRow, TicketRow


def test_each_kind_says_language_and_name(db: Database) -> None:
    _, ticket, measuring = make_ticket(db)
    adapter, training = make_adapter(db, lang="quy")
    prediction, judging = make_prediction(db, ready_adapter(db))
    _, adapting = make_language_delta(db, lang="ayr")
    with db.write() as session:
        session.get_one(TicketRow, ticket.id).name = "small"
        session.get_one(AdapterRow, adapter.id).name = "first try"
        session.get_one(PredictionRow, prediction.id).request = {"adapter": "sw@1", "filename": "päirs.csv"}
        gone = training.resource_id
    with db.read() as session:
        found = subjects(session, [measuring, training, judging, adapting])
    assert found[measuring.resource_id] == ("en", "small")
    assert found[training.resource_id] == ("quy", "first try")
    assert found[judging.resource_id] == (None, "päirs.csv")
    assert found[adapting.resource_id] == ("ayr", None)
    with db.write() as session:
        session.delete(session.get_one(AdapterRow, adapter.id))
    with db.read() as session:
        assert gone not in subjects(session, [training])
