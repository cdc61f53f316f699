"""Languages' own texts: adapt a language to its text, list what came of it, look at one, export it, delete it."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from app.api.dependencies import (
    BackboneDep,
    BlobsDep,
    DatabaseDep,
    LanguageDeltaDep,
    LanguageDep,
    PredictorDep,
    SettingsDep,
    VocabularyDep,
)
from app.api.downloads import SAFETENSORS, download, downloads
from app.api.idempotency import SubmitterDep
from app.api.ingest import stage_text
from app.api.pages import page_of
from app.api.request_body import File, ParsedBody, RequestBody
from app.api.schemas.errors import refusals
from app.api.schemas.language_deltas import (
    LanguageDeltaAccepted,
    LanguageDeltaPublic,
    LanguageDeltaQuery,
    LanguageTextRequest,
)
from app.api.schemas.scalars import Page
from app.auth.caller import CallerDep
from app.auth.scopes import READ, TRAIN
from app.errors import LanguageDeltaNotFound, NotReadyYet
from app.registry import language_deltas

router = APIRouter(tags=["language deltas"])

CORPUS = File("max_corpus_mb", "Plain UTF-8 text of the language, one sentence or paragraph a line.")
RequestDep = Annotated[
    ParsedBody[LanguageTextRequest], Depends(RequestBody(LanguageTextRequest, files={"corpus": CORPUS}))
]


@router.post(
    "/languages/{lang}/text",
    status_code=202,
    response_model=LanguageDeltaAccepted,
    operation_id="adapt_language",
    dependencies=[TRAIN],
    summary="Adapt to a language's own text",
    responses=refusals(404, 409, 413, 415, 422),
)
def adapt_language(
    lang: LanguageDep,
    body: RequestDep,
    submitter: SubmitterDep,
    blobs: BlobsDep,
    backbone: BackboneDep,
    vocabulary: VocabularyDep,
    predictor: PredictorDep,
    settings: SettingsDep,
    caller: CallerDep,
) -> Response:
    """Train a ticket's parameters on unlabelled sentences of the language: a *language delta*, to train adapters on.

    Some hundred lines are enough to try; what they gain on held-out lines is said. The text comes in the request, or as
    a file in a multipart body whose part `request` is the JSON.
    """
    if (answer := submitter.replay(body.digest)) is not None:
        return answer
    request, tenant, longest = body.request, caller.tenant, settings.max_characters
    part = body.files.get("corpus")
    corpus = stage_text(blobs, tenant=tenant, given=request.corpus, part=part, longest=longest, vocabulary=vocabulary)
    submit = partial(
        language_deltas.submit,
        tenant=tenant,
        backbone=backbone,
        lang=lang,
        ticket=request.ticket,
        mlm=request.mlm,
        corpus=corpus,
        starter_of=predictor.backbone.starter_of,
        memory_mb=settings.job_memory_mb,
    )
    with blobs.until_used(corpus.blob_id):
        return submitter.start(body.digest, submit, LanguageDeltaAccepted.of)


@router.get(
    "/language-deltas",
    operation_id="list_language_deltas",
    dependencies=[READ],
    summary="List language deltas",
    responses=refusals(422),
)
def list_language_deltas(
    query: Annotated[LanguageDeltaQuery, Query()], db: DatabaseDep, caller: CallerDep
) -> Page[LanguageDeltaPublic]:
    """Yours, newest first."""
    with db.read() as session:
        page = language_deltas.list_page(
            session, tenant=caller.tenant, lang=query.lang, limit=query.limit, cursor=query.cursor
        )
    return page_of(page, LanguageDeltaPublic.of)


@router.get(
    "/language-deltas/{language_delta_id}",
    operation_id="get_language_delta",
    dependencies=[READ],
    summary="Look at a language delta",
    responses=refusals(404),
)
def get_language_delta(language_delta: LanguageDeltaDep) -> LanguageDeltaPublic:
    """Losses on held-out lines before and after, and whether it can help."""
    return LanguageDeltaPublic.of(language_delta)


@router.get(
    "/language-deltas/{language_delta_id}/export",
    operation_id="export_language_delta",
    dependencies=[READ],
    summary="Export a language delta",
    response_class=Response,
    responses={**downloads(SAFETENSORS, "One safetensors file"), **refusals(404, 409)},
)
async def export_language_delta(row: LanguageDeltaDep, blobs: BlobsDep) -> Response:
    """One safetensors file: values in the order of the ticket, whose mask `GET /tickets/{id}/mask` gives."""
    if row.status != "ready":
        raise NotReadyYet(f"language delta {row.id} is {row.status}; it must be ready")
    name = f"{row.lang}-text-{row.version}.safetensors"
    gone = LanguageDeltaNotFound(row.id)
    return await download(blobs.stream(str(row.blob_id)), SAFETENSORS, name=name, gone=gone, size=row.bytes)


@router.delete(
    "/language-deltas/{language_delta_id}",
    status_code=204,
    operation_id="delete_language_delta",
    dependencies=[TRAIN],
    summary="Delete a language delta",
    responses=refusals(404, 409),
)
def delete_language_delta(row: LanguageDeltaDep, db: DatabaseDep, caller: CallerDep) -> None:
    """The text uploaded for it is erased; adapters on top of it stay. 409 while one is being trained."""
    with db.write() as session:
        language_deltas.delete_language_delta(session, tenant=caller.tenant, language_delta_id=row.id)
