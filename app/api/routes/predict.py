"""Predictions at once: pairs in, labels out, in the same order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.api.adapter_resolver import AdapterResolver
from app.api.dependencies import DatabaseDep, PredictorDep, ResolverDep
from app.api.disconnects import until_disconnect
from app.api.request_body import ParsedBody, RequestBody
from app.api.routing import routing
from app.api.schemas.errors import refusals
from app.api.schemas.predictions import (
    PROBABILITIES,
    AdapterRef,
    PairPrediction,
    PredictAnswer,
    PredictRequest,
    Threshold,
    Timing,
)
from app.auth.caller import CallerDep
from app.auth.scopes import PREDICT_OFFLINE
from app.errors import AdapterNotFound, FieldError, InvalidRequest, TicketNotFound
from app.inference.adapter_source import AdapterKey
from app.inference.work import Work
from app.registry.aliases import ResolvedAdapter
from app.registry.target_accuracy import thresholds
from app.storage.database import Database
from ltp.answered_share import Point
from ltp.engine.pairs import PairRequest, Prediction
from ltp.errors import UnknownText
from ltp.text.examples import texts_of
from ltp.text.vocabulary import Vocabulary

INLINE_PAIRS = 32
"""The answer to more is written in a thread, so that the event loop stays free: ten thousand are some megabytes."""

router = APIRouter(tags=["predictions"])


async def _check_admission(predictor: PredictorDep, caller: CallerDep) -> None:
    """Turn a request away before its body is read, while none of its tenant would be accepted."""
    predictor.admit(tenant=caller.tenant)


ADMISSION = Depends(_check_admission)
RequestDep = Annotated[ParsedBody[PredictRequest], Depends(RequestBody(PredictRequest, digested=False))]


@router.post(
    "/predict",
    operation_id="predict",
    dependencies=[PREDICT_OFFLINE, ADMISSION],
    summary="Judge pairs",
    response_model=PredictAnswer,
    responses=refusals(404, 409, 413, 415, 422, 429),
)
async def predict(
    request: Request,
    body: RequestDep,
    predictor: PredictorDep,
    resolver: ResolverDep,
    db: DatabaseDep,
    caller: CallerDep,
) -> Response:
    """Does each hypothesis follow from its premise, contradict it, or neither? Languages may be mixed freely.

    The answer's `X-LTP-Adapter` is what most of the pairs name: send it along, and a proxy before several replicas can
    have the same one answer for the same adapter.
    """
    predict_request = body.request
    adapters = await resolver.resolve(predict_request, tenant=caller.tenant)
    points = await _thresholds(resolver, db, predict_request, adapters)
    while True:
        requests = _requests(predict_request, adapters, tenant=caller.tenant)
        try:
            work = await until_disconnect(request, predictor.predict(requests, tenant=caller.tenant))
            break
        except (AdapterNotFound, TicketNotFound):  # deleted while the pairs waited; a name may mean another by now
            meant, adapters = adapters, await resolver.resolve(predict_request, tenant=caller.tenant)
            if adapters == meant:
                raise
            points = await _thresholds(resolver, db, predict_request, adapters)
    _refuse_unknown(requests, work.future.result(), predictor.backbone.vocabulary)
    write = partial(_answer, adapters, work, predict_request, points)
    answer = write() if len(requests) <= INLINE_PAIRS else await run_in_threadpool(write)
    return Response(answer, media_type="application/json", headers=routing(predict_request))


async def _thresholds(
    resolver: AdapterResolver, db: Database, request: PredictRequest, adapters: Sequence[ResolvedAdapter]
) -> dict[str, Point] | None:
    """What the request's target accuracy comes to, by adapter; None where there is none."""
    target, distinct = request.target_accuracy, dict.fromkeys(adapters)
    if target is None:
        return None

    def look_up() -> dict[str, Point]:
        with db.read() as session:
            return thresholds(session, distinct, target, two_way=request.answered_as == "two_way")

    return await resolver.circuit_breaker.call(look_up)


def _requests(request: PredictRequest, adapters: Sequence[ResolvedAdapter], *, tenant: str) -> list[PairRequest]:
    return [
        PairRequest(AdapterKey(adapter.shared_by or tenant, adapter.id), pair.premise, pair.hypothesis)
        for adapter, pair in zip(adapters, request.pairs, strict=True)
    ]


def _refuse_unknown(
    requests: Sequence[PairRequest], predictions: Sequence[Prediction], vocabulary: Vocabulary | None
) -> None:
    """Refuse a request of which the model can tell nothing; a pair among others is marked in the answer."""
    if vocabulary is not None and all(prediction.tokens.is_unknown for prediction in predictions):
        characters = vocabulary.unknown_characters(texts_of(requests))
        characters = characters or vocabulary.as_written.unknown_characters(texts_of(requests))
        error = UnknownText(characters)
        raise InvalidRequest(f"pairs: {error}", fields=[FieldError("pairs", str(error))])


def _answer(
    adapters: Sequence[ResolvedAdapter],
    work: Work[PairRequest, Prediction],
    request: PredictRequest,
    points: Mapping[str, Point] | None,
) -> bytes:
    """Write the answer."""
    named = {adapter: AdapterRef.of(adapter) for adapter in set(adapters)}
    min_confidence, two_way = request.min_confidence or 0.0, request.answered_as == "two_way"
    predictions = [
        _described(
            prediction.as_two_way() if two_way else prediction,
            named[adapter],
            fallback=adapter.fallback,
            min_confidence=min_confidence if points is None else points[adapter.id].threshold,
        )
        for adapter, prediction in zip(adapters, work.future.result(), strict=True)
    ]
    timing = Timing(queue=round(work.queued_s * 1000, 3), compute=round(work.computed_s * 1000, 3))
    answer = PredictAnswer(predictions=predictions, timing_ms=timing)
    if points is not None:
        answer.thresholds = [Threshold.of(name, points[adapter.id]) for adapter, name in named.items()]
    return answer.model_dump_json().encode()


def _described(prediction: Prediction, adapter: AdapterRef, *, fallback: bool, min_confidence: float) -> PairPrediction:
    probabilities = prediction.by_label
    return PairPrediction(
        label=prediction.label,
        probabilities=PROBABILITIES[prediction.label_space](
            **{str(name): each for name, each in probabilities.items()}
        ),
        adapter=adapter,
        fallback=fallback,
        truncated=prediction.truncated,
        abstained=probabilities[prediction.label] < min_confidence,
        unknown=round(prediction.tokens.share, 6),
    )
