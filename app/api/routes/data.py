"""Files before anything is done with them: what the service would understand."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from app.api.data_check import check_part
from app.api.dependencies import SettingsDep, VocabularyDep
from app.api.request_body import FILES_OF_PAIRS, File, ParsedBody, RequestBody
from app.api.schemas.errors import refusals
from app.api.schemas.readings import CheckRequest, Reading
from app.auth.scopes import UPLOAD

router = APIRouter(tags=["data"])

FILE = File("max_corpus_mb", f"{FILES_OF_PAIRS}; for task `corpus` plain text.", required=True)
CheckBody = RequestBody(CheckRequest, files={"file": FILE}, json_body=False, digested=False)
RequestDep = Annotated[ParsedBody[CheckRequest], Depends(CheckBody)]


@router.post(
    "/data/check",
    operation_id="check_data",
    dependencies=[UPLOAD],
    summary="Look at a file",
    responses=refusals(409, 413, 415, 422),
)
def check_data(body: RequestDep, vocabulary: VocabularyDep, settings: SettingsDep) -> Reading:
    """What would be read of it: format, encoding, columns, labels with their counts, what is left out and why,
    duplicates, contradictions, languages, what is cut, and what the backbone's vocabulary does not have.

    Nothing is kept. A file that cannot be used is refused with line, column and what to do.
    """
    longest = settings.max_characters
    reading = check_part(body.files["file"], body.request, longest=longest, vocabulary=vocabulary)
    return Reading(**reading.as_dict())
