"""What to have labelled next: unlabelled pairs in, those of them out whose labels would teach an adapter most."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from app.api.dependencies import AdapterDep, PredictorDep, SettingsDep, VocabularyDep
from app.api.disconnects import until_disconnect
from app.api.request_body import FILES_OF_PAIRS, File, ParsedBody, RequestBody
from app.api.schemas.errors import refusals
from app.api.schemas.predictions import PROBABILITIES, AdapterRef
from app.api.schemas.suggestions import Suggestion, SuggestionRequest, Suggestions
from app.api.suggestion_pool import PoolRow, read_pool
from app.auth.caller import CallerDep
from app.auth.scopes import UPLOAD
from app.errors import NotReadyYet
from app.inference.adapter_source import AdapterKey
from ltp.engine.pairs import PairRequest, Prediction
from ltp.suggestion import Pool, choose, uncertainty

router = APIRouter(tags=["data"])

MOST_JUDGED = 2_000
"""Rows that the engine looks at: more would tell little more, and keep others waiting."""
FILE = File("max_corpus_mb", f"{FILES_OF_PAIRS}, without labels.", required=True)
SuggestionBody = RequestBody(SuggestionRequest, files={"file": FILE}, json_body=False, digested=False)
RequestDep = Annotated[ParsedBody[SuggestionRequest], Depends(SuggestionBody)]


@router.post(
    "/adapters/{adapter_id}/suggestions",
    operation_id="suggest_pairs",
    dependencies=[UPLOAD],
    summary="What to label next",
    responses=refusals(404, 409, 413, 415, 422, 429),
)
async def suggest_pairs(
    request: Request,
    body: RequestDep,
    adapter: AdapterDep,
    predictor: PredictorDep,
    vocabulary: VocabularyDep,
    settings: SettingsDep,
    caller: CallerDep,
) -> Suggestions:
    """Of a file of unlabelled pairs, some to have labelled next: drawn at random, or those the adapter is unsure of.

    Nothing is kept. Of a large file a random sample is looked at.
    """
    if adapter.status != "ready":
        raise NotReadyYet(f"adapter {adapter.id} is {adapter.status}; there is nothing to ask yet")
    asked, part = body.request, body.files["file"]
    most = min(MOST_JUDGED, max(1, settings.queue_pairs // 2))
    pool = await run_in_threadpool(
        read_pool, part, asked, most=most, longest=settings.max_characters, vocabulary=vocabulary
    )
    rows = pool.rows
    if asked.strategy != "uncertain":
        rows = [rows[place] for place in choose(_texts(rows), asked.n, strategy=asked.strategy, seed=asked.seed)]
    key = AdapterKey(adapter.tenant, adapter.id)
    requests = [PairRequest(key, row.premise, row.hypothesis) for row in rows]
    work = await until_disconnect(request, predictor.predict(requests, tenant=caller.tenant))
    chosen = await run_in_threadpool(partial(_chosen, asked, rows, work.future.result()))
    return Suggestions(items=chosen, adapter=AdapterRef.of(adapter), pairs=pool.pairs, judged=len(pool.rows))


def _texts(rows: Sequence[PoolRow], probabilities: Sequence[Sequence[float]] = ()) -> Pool:
    premises, hypotheses = [row.premise for row in rows], [row.hypothesis for row in rows]
    return Pool(premises, hypotheses, np.array(probabilities, np.float64))


def _chosen(asked: SuggestionRequest, rows: Sequence[PoolRow], answers: Sequence[Prediction]) -> list[Suggestion]:
    probabilities = [answer.probabilities for answer in answers]
    scores = uncertainty(np.array(probabilities))
    places = range(len(rows))
    if asked.strategy == "uncertain":
        places = choose(_texts(rows, probabilities), asked.n, strategy="uncertain", seed=asked.seed)  # type: ignore[assignment]
    return [
        Suggestion(
            **rows[place]._asdict(),
            probabilities=PROBABILITIES[answers[place].label_space](
                **{str(label): share for label, share in answers[place].by_label.items()}
            ),
            score=round(float(scores[place]), 6),
        )
        for place in places
    ]
