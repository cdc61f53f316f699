"""How long a training will take, before it is sent."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from app.api.data_check import PAIR
from app.api.dependencies import BackboneDep, DatabaseDep, PredictorDep, SettingsDep, VocabularyDep
from app.api.request_body import ParsedBody, RequestBody
from app.api.schemas.errors import refusals
from app.api.schemas.estimate import BegunFrom, EstimatePublic, EstimateRequest
from app.auth.caller import CallerDep
from app.auth.scopes import READ_OR_TRAIN
from app.registry.expected_time import foresee
from app.registry.trainings import check_training
from ltp.model.methods import METHODS
from ltp.model.template import least_tokens

router = APIRouter(tags=["adapters"])

EstimateBody = RequestBody(EstimateRequest, digested=False)
RequestDep = Annotated[ParsedBody[EstimateRequest], Depends(EstimateBody)]
HEARD_LEASES = 2
"""Workers count that were heard within so many leases."""


@router.post(
    "/adapters/estimate",
    operation_id="estimate_training",
    dependencies=[READ_OR_TRAIN],
    summary="How long will training take?",
    responses=refusals(404, 409, 413, 415, 422),
)
def estimate_training(
    body: RequestDep,
    db: DatabaseDep,
    backbone: BackboneDep,
    vocabulary: VocabularyDep,
    predictor: PredictorDep,
    settings: SettingsDep,
    caller: CallerDep,
) -> EstimatePublic:
    """About how long, before the pairs are sent: what such a training computes, at the pace of your recent ones; before
    there are any, at a rough constant that may be wrong by a factor of three. `said` tells which. Nothing is started.

    The constant is for all epochs that are allowed; the pace of your trainings has in it what stopping early saved.
    """
    request = body.request
    config = request.training.config
    check_training(config, method=request.method, ticket=request.ticket, backbone=backbone, vocabulary=vocabulary)
    tokenizer = None if vocabulary is None else vocabulary.tokenizer
    least = least_tokens(METHODS[request.method].form, prompt_length=config.prompt_length, tokenizer=tokenizer)
    with db.read() as session:
        found = foresee(
            session,
            request.planned(least - PAIR),
            tenant=caller.tenant,
            backbone=backbone,
            starter_of=predictor.backbone.starter_of,
            heard_s=HEARD_LEASES * settings.lease_s,
        )
    start = None if found.start is None else BegunFrom(**found.start)
    return EstimatePublic.of(found.expected, found.estimate, start)
