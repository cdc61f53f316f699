"""Files of pairs: start one, look at it, take the result, delete it."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from app.api.dependencies import (
    BlobsDep,
    DatabaseDep,
    PredictionDep,
    PredictorDep,
    SettingsDep,
    StarterDep,
    VocabularyDep,
)
from app.api.downloads import FORMATS, download, result_name
from app.api.idempotency import SubmitterDep
from app.api.ingest import stage_pairs
from app.api.pages import page_of
from app.api.request_body import FILES_OF_PAIRS, File, ParsedBody, RequestBody
from app.api.schemas.errors import refusals
from app.api.schemas.prediction_files import (
    PredictionAccepted,
    PredictionDetail,
    PredictionPublic,
    PredictionRequest,
)
from app.api.schemas.scalars import Page, PageQuery
from app.auth.caller import CallerDep
from app.auth.scopes import PREDICT, READ
from app.errors import PredictionNotFound
from app.registry import predictions
from app.registry.submissions import submit_prediction
from app.storage import models

router = APIRouter(tags=["predictions"])

PAIRS = File("max_corpus_mb", f"{FILES_OF_PAIRS}, with a premise and a hypothesis in each row.", required=True)
RequestDep = Annotated[
    ParsedBody[PredictionRequest], Depends(RequestBody(PredictionRequest, files={"file": PAIRS}, json_body=False))
]


@router.post(
    "/predictions",
    status_code=202,
    response_model=PredictionAccepted,
    operation_id="create_prediction",
    dependencies=[PREDICT],
    summary="Judge a file of pairs",
    responses=refusals(404, 409, 413, 415, 422),
)
def create_prediction(
    body: RequestDep,
    submitter: SubmitterDep,
    blobs: BlobsDep,
    vocabulary: VocabularyDep,
    predictor: PredictorDep,
    starter: StarterDep,
    settings: SettingsDep,
    caller: CallerDep,
) -> Response:
    """Every row is read before the job is accepted; a bad one is refused with its line and column.

    A row's own `adapter` or `lang` wins over the request's. What each of them means is settled now: moving an alias
    meanwhile changes nothing, and the adapters cannot be deleted before the file is judged.
    """
    if (answer := submitter.replay(body.digest)) is not None:
        return answer
    request = body.request
    longest, part = settings.max_characters, body.files["file"]
    pairs = stage_pairs(blobs, tenant=caller.tenant, request=request, part=part, longest=longest, vocabulary=vocabulary)
    submit = partial(
        submit_prediction,
        tenant=caller.tenant,
        reference=request.reference,
        fallback=request.fallback,
        request=request.model_dump(exclude_none=True, by_alias=True),
        pairs=pairs,
        starter_of=predictor.backbone.starter_of,
    )
    with blobs.until_used(pairs.blob_id), starter.awaited():
        return submitter.start(body.digest, submit, PredictionAccepted.of)


@router.get(
    "/predictions",
    operation_id="list_predictions",
    dependencies=[READ],
    summary="List predictions",
    responses=refusals(422),
)
def list_predictions(
    query: Annotated[PageQuery, Query()], db: DatabaseDep, caller: CallerDep
) -> Page[PredictionPublic]:
    """Your files, newest first."""
    with db.read() as session:
        page = predictions.list_page(session, tenant=caller.tenant, limit=query.limit, cursor=query.cursor)
        return page_of(page, lambda row: PredictionPublic.of(row, _adapter_of(session, row)))


@router.get(
    "/predictions/{prediction_id}",
    operation_id="get_prediction",
    dependencies=[READ],
    summary="Look at a prediction",
    responses=refusals(404),
)
def get_prediction(prediction: PredictionDep, db: DatabaseDep) -> PredictionDetail:
    """Its status, the adapters that judge it, and counts by label once it is ready."""
    with db.read() as session:
        named = predictions.adapters_of(session, prediction.id)
        return PredictionDetail.describe(prediction, _adapter_of(session, prediction), named)


@router.get(
    "/predictions/{prediction_id}/result",
    operation_id="download_result",
    dependencies=[READ],
    summary="Download the result",
    response_class=Response,
    responses={
        200: {
            "description": "The uploaded file, row by row, with `label`, `entailment`, `neutral` and `contradiction`. "
            "Two-way answers have `label`, `entailment` and `not_entailment`; with adapters of both kinds there are "
            "all of these columns, empty where a label is none of the adapter's. Then "
            "come `answered_by` (`sw@3`), `fallback` (it stood in for another language), `truncated`, and, where a "
            "threshold was asked for, `abstained`.",
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in FORMATS.values()},
        },
        **refusals(404, 409),
    },
)
async def download_result(prediction: PredictionDep, blobs: BlobsDep) -> Response:
    """JSON lines, CSV and TSV come back as they were, with columns added; tables of other programs as CSV, JSON arrays
    and columnar files as JSON lines. What was compressed, or in another encoding, comes back as plain UTF-8."""
    form = str(prediction.request.get("format", "jsonl"))
    result = str(prediction.request.get("result_format", form))
    named = result_name(prediction.request.get("filename"), form=form, result=result)
    name = named or f"prediction-{prediction.id}.{result}"
    gone = PredictionNotFound(prediction.id)
    return await download(predictions.stream_result(blobs, prediction), FORMATS[result], name=name, gone=gone)


@router.delete(
    "/predictions/{prediction_id}",
    status_code=204,
    operation_id="delete_prediction",
    dependencies=[PREDICT],
    summary="Delete a prediction",
    responses=refusals(404, 409),
)
def delete_prediction(prediction: PredictionDep, db: DatabaseDep, caller: CallerDep) -> None:
    """Erases the uploaded file and the result."""
    with db.write() as session:
        predictions.delete_prediction(session, tenant=caller.tenant, prediction_id=prediction.id)


def _adapter_of(session: Session, row: models.PredictionRow) -> models.AdapterRow | None:
    return session.get(models.AdapterRow, row.adapter_id) if row.adapter_id is not None else None
