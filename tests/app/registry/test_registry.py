"""The registry: versions, aliases, references, lineage, and deletion that respects what depends on a thing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select
from support.registry_rows import (
    BACKBONE,
    TENANT,
    figures_of,
    finish_adapter,
    finish_ticket,
    make_adapter,
    make_prediction,
    make_ticket,
    ready_adapter,
    ready_ticket,
    take,
)

from app import jobs
from app.api.schemas.tickets import TicketPublic
from app.errors import (
    AdapterNotFound,
    AliasNotFound,
    AppError,
    DriftNotFound,
    InUse,
    InvalidAlias,
    InvalidCursor,
    InvalidReference,
    NoAdapterForLanguage,
    NoTicket,
    NotReadyYet,
    PredictionNotFound,
    TicketNotFound,
)
from app.jobs import Claim
from app.registry import adapters, aliases, datasets, drifts, languages, predictions, publish, tickets
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.models import AdapterRow, BlobChunkRow, BlobRow, DatasetRow, DriftRow, TicketRow
from ltp.backbone.manifest import read_manifest
from ltp.config import TicketConfig
from ltp.ticket.mask import Ticket


def refused(db: Database, error: type[AppError], function: object, **arguments: object) -> None:
    with pytest.raises(error), db.write() as session:
        function(session, tenant=TENANT, **arguments)  # type: ignore[operator]


def resolve(db: Database, reference: str, tenant: str = TENANT) -> AdapterRow:
    with db.read() as session:
        return aliases.resolve_adapter(session, tenant=tenant, reference=reference)


def texts(db: Database) -> int:
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(DatasetRow)) or 0


def test_a_ticket_and_its_drift_are_published_together(db: Database, store: BlobStore) -> None:
    drift, ticket = ready_ticket(db)
    with db.read() as session:
        published = tickets.get_ready(session, tenant=TENANT, ticket_id=ticket.id)
        made_from = drifts.get_ready(session, tenant=TENANT, drift_id=drift.id)
        assert drifts.tickets_of(session, drift.id) == [ticket.id]
    assert (published.active, published.mask_sha256) == (1, "a" * 64)
    assert (made_from.moved, made_from.report) == (9, {"steps": 3})
    assert store.read(str(published.blob_id)) == b"mask"
    assert tickets.config_of(published) == TicketConfig(active_ratio=0.1)


def test_a_second_ticket_from_a_ready_drift_needs_no_other_run(db: Database) -> None:
    drift, _ = ready_ticket(db)
    _, second, job = make_ticket(db, drift_id=drift.id)
    finish_ticket(db, take(db, job_id=job.id), content=b"other", with_drift=False)
    with db.read() as session:
        assert drifts.tickets_of(session, drift.id) == [drifts.tickets_of(session, drift.id)[0], second.id]
        assert session.get_one(DriftRow, drift.id).job_id != job.id


def test_what_is_not_ready_is_not_built_upon(db: Database) -> None:
    drift, ticket, job = make_ticket(db)
    refused(db, NotReadyYet, drifts.get_ready, drift_id=drift.id)
    refused(db, NotReadyYet, tickets.get_ready, ticket_id=ticket.id)
    refused(db, NotReadyYet, tickets.create, drift=drift, config=TicketConfig())
    refused(db, NoTicket, tickets.newest_ready, backbone=BACKBONE)
    with db.write() as session:
        jobs.cancel(session, tenant=TENANT, job_id=job.id)
    refused(db, NotReadyYet, drifts.get_ready, drift_id=drift.id)


def test_the_newest_ready_ticket_of_the_backbone_is_the_default(db: Database) -> None:
    ready_ticket(db)
    _, newest = ready_ticket(db, content=b"newer")
    make_ticket(db)
    with db.read() as session:
        assert tickets.newest_ready(session, tenant=TENANT, backbone=BACKBONE).id == newest.id
    refused(db, NoTicket, tickets.newest_ready, backbone="c" * 64)


def test_a_shared_ticket_is_seen_by_all_and_deleted_by_its_owner_only(db: Database) -> None:
    _, ticket = ready_ticket(db)
    with db.write() as session:
        with pytest.raises(TicketNotFound):
            tickets.get(session, tenant="other", ticket_id=ticket.id)
        session.get_one(TicketRow, ticket.id).shared = True
    with db.write() as session:
        assert tickets.newest_ready(session, tenant="other", backbone=BACKBONE).id == ticket.id
        assert [row.id for row in tickets.list_page(session, tenant="other").items] == [ticket.id]
        with pytest.raises(TicketNotFound):
            tickets.delete_ticket(session, tenant="other", ticket_id=ticket.id)


def test_versions_count_from_one_in_each_language_and_are_never_used_again(db: Database) -> None:
    assert [ready_adapter(db, lang=lang).version for lang in ("sw", "sw", "es", "sw")] == [1, 2, 1, 3]
    with db.write() as session:
        adapters.delete_adapter(session, tenant=TENANT, adapter_id=resolve(db, "sw@3").id)
    assert ready_adapter(db).version == 4


def test_concurrent_publications_get_different_versions(db: Database) -> None:
    claims = [take(db, job_id=make_adapter(db)[1].id) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        versions = [adapter.version for adapter in pool.map(lambda claim: finish_adapter(db, claim), claims)]
    assert sorted(version or 0 for version in versions) == list(range(1, 9))


def test_a_reference_is_a_language_a_version_an_alias_or_an_id(db: Database) -> None:
    first, second = ready_adapter(db), ready_adapter(db)
    make_adapter(db)
    assert resolve(db, "sw").id == resolve(db, "swa").id == resolve(db, "sw@2").id == second.id
    with db.write() as session:
        aliases.set_alias(session, tenant=TENANT, lang="sw", alias="production", version=1)
    for reference in ("sw", "sw@1", "sw@production", first.id, first.id.upper()):
        assert resolve(db, reference).id == first.id
    with db.write() as session:
        aliases.set_alias(session, tenant=TENANT, lang="sw", alias="production", version=2)
    assert resolve(db, "sw").id == second.id


@pytest.mark.parametrize(
    ("reference", "error"),
    [
        ("es", NoAdapterForLanguage),
        ("sw@3", AdapterNotFound),
        ("sw@0", AdapterNotFound),
        ("sw@99999999999999999999", AdapterNotFound),
        ("sw@nothing", AdapterNotFound),
        ("00000000-0000-7000-8000-000000000000", AdapterNotFound),
        ("sw@", InvalidReference),
        ("@1", InvalidReference),
        ("", InvalidReference),
        ("sw@Production", InvalidReference),
        ("sw@1@2", InvalidReference),
        ("sw@²", InvalidReference),
        ("sw@" + "9" * 5_000, InvalidReference),
        ("sw@" + "a" * 5_000, InvalidReference),
        ("s" * 5_000, InvalidReference),
        ("sw@\0", InvalidReference),
        ("no such language", InvalidReference),
    ],
)
def test_a_reference_to_nothing_is_refused(db: Database, reference: str, error: type[Exception]) -> None:
    ready_adapter(db)
    with pytest.raises(error):
        resolve(db, reference)


OFFERS = {
    "swh": "is an adapter for sw (Swahili), of the same macrolanguage, sw: ask for sw, or give it as `fallback`",
    "swh_Latn": "ask for sw",
    "sw-KE": "is an adapter for sw (Swahili), of the same language: ask for sw",
    "quz": "are adapters for qu (Quechua) and quy (Ayacucho Quechua), of the same macrolanguage, qu: ask for qu or quy",
    "quz-PE": "ask for qu or quy",
    "pt": "is an adapter for pt-PT (Portuguese (Portugal)), of the same language: ask for pt-PT",
    "es": "train one: POST /adapters",
    "ay": "train one: POST /adapters",
}


def test_a_near_adapter_is_offered_by_name_and_never_taken(db: Database) -> None:
    for lang in ("quy", "qu", "sw", "pt-PT"):
        ready_adapter(db, lang=lang)
    make_adapter(db, lang="ayr")  # not ready
    ready_adapter(db, lang="es-MX", tenant="other")
    for asked, offer in OFFERS.items():
        with pytest.raises(NoAdapterForLanguage) as refusal:
            resolve(db, asked)
        assert offer in str(refusal.value)


def test_languages_name_their_macrolanguage_and_what_is_near(db: Database) -> None:
    for lang in ("quy", "quz", "sw", "sw-KE", "es"):
        ready_adapter(db, lang=lang)
    with db.read() as session:
        related = {row.lang: row.related for row in languages.list_page(session, tenant=TENANT).items}
    assert related == {"es": [], "quy": ["quz"], "quz": ["quy"], "sw": ["sw-KE"], "sw-KE": ["sw"]}


def test_another_tenants_things_do_not_exist(db: Database) -> None:
    adapter = ready_adapter(db)
    for reference in ("sw@1", adapter.id):
        with pytest.raises(AdapterNotFound):
            resolve(db, reference, tenant="other")
    with pytest.raises(NoAdapterForLanguage):
        resolve(db, "sw", tenant="other")
    with db.write() as session:
        for function, key in (
            (adapters.get, "adapter_id"),
            (adapters.delete_adapter, "adapter_id"),
            (drifts.get, "drift_id"),
            (predictions.get, "prediction_id"),
        ):
            with pytest.raises(AppError):
                function(session, tenant="other", **{key: adapter.id})  # type: ignore[operator]
        assert languages.list_page(session, tenant="other").items == []


def test_the_alias_asked_for_points_at_the_published_version(db: Database) -> None:
    first = ready_adapter(db, alias="production")
    second = ready_adapter(db, alias="production")
    assert resolve(db, "sw@production").id == second.id
    with db.read() as session:
        assert aliases.aliases_of(session, [first.id, second.id]) == {first.id: [], second.id: ["production"]}
        assert [row.id for row in adapters.list_page(session, tenant=TENANT, alias="production").items] == [second.id]
        (row,) = languages.list_page(session, tenant=TENANT).items
    assert (row.lang, row.versions, row.aliases) == ("sw", [2, 1], {"production": 2})


def test_aliases_are_checked_moved_and_removed(db: Database) -> None:
    ready_adapter(db)
    refused(db, InvalidAlias, aliases.set_alias, lang="sw", alias="1st", version=1)
    refused(db, AdapterNotFound, aliases.set_alias, lang="sw", alias="production", version=2)
    refused(db, AliasNotFound, aliases.delete_alias, lang="sw", alias="production")
    with db.write() as session:
        aliases.set_alias(session, tenant=TENANT, lang="sw", alias="production", version=1)
        aliases.delete_alias(session, tenant=TENANT, lang="sw", alias="production")
    refused(db, AliasNotFound, aliases.delete_alias, lang="sw", alias="production")


def test_a_ticket_stays_while_adapters_depend_on_it(db: Database) -> None:
    drift, ticket = ready_ticket(db)
    adapter, job = make_adapter(db, ticket_id=ticket.id)
    refused(db, InUse, tickets.delete_ticket, ticket_id=ticket.id)
    finish_adapter(db, take(db, job_id=job.id))
    refused(db, InUse, tickets.delete_ticket, ticket_id=ticket.id)
    with db.write() as session:
        adapters.delete_adapter(session, tenant=TENANT, adapter_id=adapter.id)
        tickets.delete_ticket(session, tenant=TENANT, ticket_id=ticket.id)
    refused(db, TicketNotFound, tickets.get, ticket_id=ticket.id)
    with db.read() as session:
        assert drifts.get_ready(session, tenant=TENANT, drift_id=drift.id)


def test_a_failed_adapter_does_not_keep_its_ticket(db: Database) -> None:
    _, ticket = ready_ticket(db)
    adapter, job = make_adapter(db, ticket_id=ticket.id)
    with db.write() as session:
        jobs.cancel(session, tenant=TENANT, job_id=job.id)
        tickets.delete_ticket(session, tenant=TENANT, ticket_id=ticket.id)
    with db.read() as session:
        assert adapters.get(session, tenant=TENANT, adapter_id=adapter.id).ticket_id is None


def test_a_drift_can_go_and_its_tickets_stay(db: Database) -> None:
    drift, ticket, job = make_ticket(db)
    refused(db, InUse, drifts.delete_drift, drift_id=drift.id)
    finish_ticket(db, take(db, job_id=job.id))
    _, _, second = make_ticket(db, drift_id=drift.id)
    refused(db, InUse, drifts.delete_drift, drift_id=drift.id)
    with db.write() as session:
        jobs.cancel(session, tenant=TENANT, job_id=second.id)
        drifts.delete_drift(session, tenant=TENANT, drift_id=drift.id)
    refused(db, DriftNotFound, drifts.get, drift_id=drift.id)
    with db.read() as session:
        assert tickets.get_ready(session, tenant=TENANT, ticket_id=ticket.id).drift_id is None


def test_an_adapter_stays_while_an_alias_or_a_prediction_needs_it(db: Database) -> None:
    adapter, job = make_adapter(db, alias="production")
    refused(db, InUse, adapters.delete_adapter, adapter_id=adapter.id)
    finish_adapter(db, take(db, job_id=job.id))
    refused(db, InUse, adapters.delete_adapter, adapter_id=adapter.id)
    with db.write() as session:
        aliases.delete_alias(session, tenant=TENANT, lang="sw", alias="production")
    prediction, waiting = make_prediction(db, adapter)
    refused(db, InUse, adapters.delete_adapter, adapter_id=adapter.id)
    with db.write() as session:
        jobs.cancel(session, tenant=TENANT, job_id=waiting.id)
        adapters.delete_adapter(session, tenant=TENANT, adapter_id=adapter.id)
        assert predictions.get(session, tenant=TENANT, prediction_id=prediction.id).status == "cancelled"
    refused(db, AdapterNotFound, adapters.delete_adapter, adapter_id=adapter.id)


def test_deleting_erases_the_texts_and_only_those_nobody_else_gave(db: Database, store: BlobStore) -> None:
    first, second = ready_adapter(db), ready_adapter(db)
    assert texts(db) == 2
    with db.write() as session:
        adapters.delete_adapter(session, tenant=TENANT, adapter_id=first.id)
    assert texts(db) == 1
    with db.read() as session:
        kept = session.scalars(select(DatasetRow.blob_id)).one()
    assert b"The dog runs." in store.read(kept)
    with db.write() as session:
        adapters.delete_adapter(session, tenant=TENANT, adapter_id=second.id)
    with db.read() as session:
        assert not [data for data in session.scalars(select(BlobChunkRow.data)) if b"The dog runs." in data]


def test_erased_texts_stand_nowhere_in_the_files(db: Database, tmp_path: Path) -> None:
    if db.engine.dialect.name != "sqlite":
        return
    adapter = ready_adapter(db)

    def found() -> list[str]:
        return [path.name for path in tmp_path.glob("ltp.sqlite3*") if b"The dog runs." in path.read_bytes()]

    assert found()
    with db.write() as session:
        adapters.delete_adapter(session, tenant=TENANT, adapter_id=adapter.id)
    db.empty_log()
    assert found() == []


def test_deleting_a_prediction_erases_file_and_result(db: Database, store: BlobStore) -> None:
    adapter = ready_adapter(db)
    prediction, job = make_prediction(db, adapter, text=b"secret pairs")
    refused(db, InUse, predictions.delete_prediction, prediction_id=prediction.id)
    claim = take(db, job_id=job.id)
    result = store.stage(TENANT, [b"secret pairs, labelled"], job_id=job.id)
    with db.write() as session:
        publish.publish_prediction(session, claim, blob_id=result.id, summary={"pairs": 1})
    with db.read() as session:
        done = predictions.get(session, tenant=TENANT, prediction_id=prediction.id)
    assert b"".join(predictions.stream_result(store, done)) == b"secret pairs, labelled"
    with db.write() as session:
        predictions.delete_prediction(session, tenant=TENANT, prediction_id=prediction.id)
    refused(db, PredictionNotFound, predictions.get, prediction_id=prediction.id)
    with db.read() as session:
        assert not [data for data in session.scalars(select(BlobChunkRow.data)) if b"secret" in data]


def test_every_figure_of_a_ticket_is_kept_and_shown(tiny_backbone_dir: Path) -> None:
    backbone = read_manifest(tiny_backbone_dir)
    figures = Ticket({}, backbone.shapes, 0, 0, 0, "decoupled", backbone.fingerprint).figures()
    assert set(figures) == set(figures_of())
    assert set(figures) <= set(TicketRow.__table__.columns.keys()) & set(TicketPublic.model_fields)


def test_a_publication_that_fails_leaves_nothing_behind(db: Database, store: BlobStore) -> None:
    drift, ticket, _ = make_ticket(db)
    claim = take(db)
    mask = store.stage(TENANT, [b"mask"], job_id=claim.job_id)
    drift_result = publish.DriftResult("0" * 36, {}, "c" * 64, moved=1, selectable=2)
    result = tickets.StagedTicket(mask.id, "a" * 64, 4, figures_of(active=1, selectable=2, moved=1))
    with pytest.raises(AppError), db.write() as session:
        publish.publish_ticket(session, claim, result, drift=drift_result)
    with db.read() as session:
        assert session.get_one(TicketRow, ticket.id).status == session.get_one(DriftRow, drift.id).status == "pending"
        assert session.scalars(select(BlobRow.status)).all() == ["staging"]
        assert session.get_one(DriftRow, drift.id).blob_id is None
    finish_ticket(db, claim)


def test_a_claim_on_another_job_publishes_nothing(db: Database) -> None:
    make_adapter(db)
    claim = take(db)
    with pytest.raises(AppError):
        finish_adapter(db, Claim(claim.job_id, claim.attempt, "somebody else"))
    with pytest.raises(AppError):
        finish_adapter(db, Claim(claim.job_id, claim.attempt + 1, claim.owner))


def test_lists_are_paged_newest_first(db: Database) -> None:
    made = [make_adapter(db, lang=lang)[0].id for lang in ("sw", "es", "sw", "es", "sw")]
    seen: list[str] = []
    cursor = None
    with db.read() as session:
        while True:
            page = adapters.list_page(session, tenant=TENANT, limit=2, cursor=cursor)
            seen += [row.id for row in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert [row.lang for row in adapters.list_page(session, tenant=TENANT, lang="es").items] == ["es", "es"]
        with pytest.raises(InvalidCursor):
            adapters.list_page(session, tenant=TENANT, cursor="nonsense")
    assert seen == made[::-1]


def test_languages_are_paged_by_tag(db: Database) -> None:
    for lang in ("sw", "es", "ur"):
        ready_adapter(db, lang=lang)
    with db.read() as session:
        first = languages.list_page(session, tenant=TENANT, limit=2)
        rest = languages.list_page(session, tenant=TENANT, limit=2, cursor=first.next_cursor)
    assert [row.lang for row in first.items] == ["es", "sw"]
    assert [row.lang for row in rest.items] == ["ur"]
    assert rest.next_cursor is None


def test_examples_come_back_in_their_parts(tmp_path: object, store: BlobStore, db: Database) -> None:
    from support.registry_rows import PAIRS

    parts = {"train": PAIRS, "test": PAIRS[:1]}
    blob = store.stage(TENANT, datasets.write_parts(parts))  # type: ignore[arg-type]
    path = store.fetch(blob.id, tmp_path / "examples")  # type: ignore[operator]
    assert datasets.read_parts(path) == {"train": PAIRS, "dev": [], "test": PAIRS[:1]}
