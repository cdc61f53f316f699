"""Adapters: train one, list them, look at one, delete it. `transfers` exports and imports them."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from app.api.dependencies import (
    AdapterDep,
    BackboneDep,
    BlobsDep,
    DatabaseDep,
    PredictorDep,
    SettingsDep,
    VocabularyDep,
)
from app.api.idempotency import SubmitterDep
from app.api.ingest import stage_examples
from app.api.pages import page_of
from app.api.request_body import File, ParsedBody, RequestBody
from app.api.schemas.adapters import AdapterAccepted, AdapterPublic, AdapterQuery
from app.api.schemas.errors import refusals
from app.api.schemas.scalars import Page
from app.api.schemas.training import MOST_SOURCES, AdapterRequest
from app.auth.caller import CallerDep
from app.auth.scopes import READ, TRAIN
from app.inference.adapter_source import AdapterKey
from app.inference.predictor import Predictor
from app.registry import adapters, aliases, starters
from app.registry.trainings import Training, check_training, check_verbalizer, submit_adapter
from ltp.config import Label, LabelSpace
from ltp.text.vocabulary import Vocabulary

router = APIRouter(tags=["adapters"])

EXAMPLES = "JSONL, CSV or TSV with premise, hypothesis and label in each row"
FILES = {
    "examples": File("max_body_mb", f"{EXAMPLES}: what to train on."),
    "dev_examples": File("max_body_mb", f"{EXAMPLES}: what to choose the best epoch on."),
    "test_examples": File("max_body_mb", f"{EXAMPLES}: scored once, at the end."),
}

SOURCE = File("max_body_mb", f"{EXAMPLES}: one of `sources`, in the part that it names.")
RequestDep = Annotated[
    ParsedBody[AdapterRequest],
    Depends(RequestBody(AdapterRequest, files=FILES, others=(MOST_SOURCES, SOURCE))),
]


@router.post(
    "/adapters",
    status_code=202,
    response_model=AdapterAccepted,
    operation_id="create_adapter",
    dependencies=[TRAIN],
    summary="Train an adapter",
    responses=refusals(404, 409, 413, 415, 422),
)
def create_adapter(
    body: RequestDep,
    submitter: SubmitterDep,
    blobs: BlobsDep,
    backbone: BackboneDep,
    vocabulary: VocabularyDep,
    predictor: PredictorDep,
    settings: SettingsDep,
    caller: CallerDep,
) -> Response:
    """A soft prompt and the ticket's parameters, on a page of labelled pairs of one language.

    With another `method`, what LTP is compared to: then there is no ticket.

    The pairs come in the request, or as files in a multipart body whose part `request` is the JSON.
    """
    if (answer := submitter.replay(body.digest)) is not None:
        return answer
    request, longest = body.request, settings.max_characters
    config = request.training.config
    check_training(config, method=request.method, ticket=request.ticket, backbone=backbone, vocabulary=vocabulary)
    examples = stage_examples(
        blobs, tenant=caller.tenant, request=request, files=body.files, longest=longest, vocabulary=vocabulary
    )
    words = _words(request, label_space=examples.label_space, vocabulary=vocabulary, predictor=predictor)
    submit = partial(
        submit_adapter,
        tenant=caller.tenant,
        backbone=backbone,
        wanted=_wanted(request, words),
        examples=examples,
        starter_of=predictor.backbone.starter_of,
        memory_mb=settings.job_memory_mb,
    )
    with blobs.until_used(examples.blob_id):
        return submitter.start(body.digest, submit, AdapterAccepted.of)


def _wanted(request: AdapterRequest, words: dict[Label, str] | None) -> Training:
    return Training(
        lang=request.lang,
        method=request.method,
        ticket=request.ticket,
        start=request.wanted_start,
        hyperparameters=request.hyperparameters,
        seeds=request.seeds,
        name=request.name,
        alias=request.alias,
        verbalizer=words,
        language_delta=request.language_delta,
    )


def _words(
    request: AdapterRequest, *, label_space: LabelSpace, vocabulary: Vocabulary | None, predictor: Predictor
) -> dict[Label, str] | None:
    """The verbalizer of a request, checked. Raises InvalidRequest, or NotReady while it cannot be checked."""
    if request.verbalizer is not None and vocabulary is None:
        raise predictor.backbone.not_ready()
    return check_verbalizer(request.verbalizer, method=request.method, label_space=label_space, vocabulary=vocabulary)


@router.get(
    "/adapters", operation_id="list_adapters", dependencies=[READ], summary="List adapters", responses=refusals(422)
)
def list_adapters(
    query: Annotated[AdapterQuery, Query()], db: DatabaseDep, predictor: PredictorDep, caller: CallerDep
) -> Page[AdapterPublic]:
    """Your adapters, newest first, without their details; of one language, or under one alias."""
    with db.read() as session:
        page = adapters.list_page(session, tenant=caller.tenant, **query.model_dump())
        named = aliases.aliases_of(session, [row.id for row in page.items])
        starter = starters.there_is_one(session, backbone=predictor.backbone.starter_of)
    return page_of(page, lambda row: AdapterPublic.of(row, named[row.id], brief=True, starter=starter))


@router.get(
    "/adapters/{adapter_id}",
    operation_id="get_adapter",
    dependencies=[READ],
    summary="Look at an adapter",
    responses=refusals(404),
)
def get_adapter(adapter: AdapterDep, db: DatabaseDep, predictor: PredictorDep) -> AdapterPublic:
    """Its scores, what it was trained on and with, and the aliases that point at it."""
    with db.read() as session:
        named = aliases.aliases_of(session, [adapter.id])[adapter.id]
        starter = starters.there_is_one(session, backbone=predictor.backbone.starter_of)
    return AdapterPublic.of(adapter, named, starter=starter)


@router.delete(
    "/adapters/{adapter_id}",
    status_code=204,
    operation_id="delete_adapter",
    dependencies=[TRAIN],
    summary="Delete an adapter",
    responses=refusals(404, 409),
)
def delete_adapter(adapter: AdapterDep, db: DatabaseDep, predictor: PredictorDep, caller: CallerDep) -> None:
    """Erases the texts uploaded for it, too. 409 while an alias points at it, or an unfinished prediction needs it."""
    with db.write() as session:
        adapters.delete_adapter(session, tenant=caller.tenant, adapter_id=adapter.id)
    predictor.drop(AdapterKey(caller.tenant, adapter.id))
