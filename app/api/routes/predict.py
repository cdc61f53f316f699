"""Predictions at once: pairs in, labels out, in the same order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, TypeVar

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from app.api.adapter_resolver import Choice
from app.api.dependencies import DatabaseDep, PredictorDep, ResolutionsDep, SettingsDep
from app.api.request_body import Accepts, Submission
from app.api.schemas.errors import refusals
from app.api.schemas.predictions import PairPrediction, PredictAnswer, PredictRequest, Probabilities, Timing
from app.auth.caller import CallerDep
from app.auth.scopes import PREDICT_OFFLINE
from app.errors import FieldError, InvalidRequest
from app.inference.adapter_source import AdapterKey
from app.inference.predictor import Judged, Question
from ltp.config import LABELS

if TYPE_CHECKING:
    from ltp.engine.pairs import Prediction

T = TypeVar("T")

INLINE_PAIRS = 32
"""The answer to more is written in a thread, so that the event loop stays free: ten thousand are some megabytes."""

router = APIRouter(tags=["predictions"])


async def _has_room(predictor: PredictorDep) -> None:
    """Turn a request away before its body is read, while none would be accepted."""
    predictor.admit()


ROOM = Depends(_has_room)
RequestDep = Annotated[Submission[PredictRequest], Depends(Accepts(PredictRequest, digested=False))]


@router.post(
    "/predict",
    operation_id="predict",
    dependencies=[PREDICT_OFFLINE, ROOM],
    summary="Judge pairs",
    response_model=PredictAnswer,
    responses=refusals(404, 413, 415, 422, 429),
)
async def predict(
    request: Request,
    body: RequestDep,
    predictor: PredictorDep,
    resolutions: ResolutionsDep,
    db: DatabaseDep,
    settings: SettingsDep,
    caller: CallerDep,
) -> Response:
    """Does each hypothesis follow from its premise, contradict it, or neither? Languages may be mixed freely."""
    asked = body.request
    if len(asked.pairs) > settings.max_pairs:
        message = f"{len(asked.pairs)} pairs are too many; at most {settings.max_pairs}, or POST /predictions a file"
        raise InvalidRequest(f"pairs: {message}", fields=[FieldError("pairs", message)])
    predictor.admit(len(asked.pairs))
    chosen = await resolutions.choose(db, asked, tenant=caller.tenant)
    questions = [
        Question(AdapterKey(caller.tenant, choice.adapter.id), pair.premise, pair.hypothesis)
        for choice, pair in zip(chosen, asked.pairs, strict=True)
    ]
    judged = await _unless_gone(request, predictor.predict(questions))
    write = partial(_answer, chosen, judged, min_confidence=asked.min_confidence)
    answer = write() if len(chosen) <= INLINE_PAIRS else await run_in_threadpool(write)
    return Response(answer, media_type="application/json")


def _answer(chosen: Sequence[Choice], judged: Judged, *, min_confidence: float | None) -> bytes:
    """Write the answer."""
    predictions = [
        _shown(choice, prediction, min_confidence=min_confidence or 0.0)
        for choice, prediction in zip(chosen, judged.predictions, strict=True)
    ]
    timing = Timing(queue=round(judged.queued * 1000, 3), compute=round(judged.computed * 1000, 3))
    return PredictAnswer(predictions=predictions, timing_ms=timing).model_dump_json().encode()


def _shown(choice: Choice, prediction: Prediction, *, min_confidence: float) -> PairPrediction:
    probabilities = dict(zip(LABELS, prediction.probabilities, strict=True))
    label = max(LABELS, key=probabilities.__getitem__)
    return PairPrediction(
        label=label,
        probabilities=Probabilities(**probabilities),
        adapter=choice.adapter,
        fallback=choice.fallback,
        truncated=prediction.truncated,
        abstained=probabilities[label] < min_confidence,
    )


async def _unless_gone(request: Request, judging: Awaitable[T]) -> T:
    """Wait for `judging`, and cancel it when the caller hangs up: nobody would read the answer."""
    work = asyncio.ensure_future(judging)
    gone = asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientDisconnect
        return work.result()
    finally:
        work.cancel()
        gone.cancel()


async def _hung_up(request: Request) -> None:
    """Return when the connection is closed. The body has been read, so nothing else can arrive."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
