"""The pairs behind an adapter: its answers to those that it is scored on, two adapters by that, what it trained on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from app.api.answer_table import table
from app.api.dependencies import AdapterDep, BlobsDep, DatabaseDep, OtherAdapterDep
from app.api.downloads import FORMATS, disposition, download
from app.api.example_table import table as table_of_examples
from app.api.pages import LARGEST_PAGE
from app.api.schemas.answers import AnswerPublic, AnswersPage, AnswersQuery, ExamplesQuery
from app.api.schemas.comparison import ComparisonPublic
from app.api.schemas.errors import refusals
from app.auth.caller import CallerDep
from app.auth.scopes import READ
from app.errors import AdapterNotFound, InvalidCursor
from app.registry import answers, datasets
from app.registry.adapter_notes import SOURCES
from app.registry.beside import beside
from app.storage.models import DatasetRow

router = APIRouter(tags=["adapters"])

CSV = FORMATS["csv"]


@router.get(
    "/adapters/{adapter_id}/answers",
    operation_id="list_answers",
    dependencies=[READ],
    summary="What an adapter answered",
    response_model=AnswersPage,
    responses={
        200: {
            "description": "Pairs and answers; as CSV all of them, with a probability a label.",
            "content": {CSV: {"schema": {"type": "string", "format": "binary"}}},
        },
        **refusals(404, 409, 422),
    },
)
def list_answers(
    adapter: AdapterDep, query: Annotated[AnswersQuery, Query()], request: Request, blobs: BlobsDep, caller: CallerDep
) -> Response | AnswersPage:
    """The pairs behind its development score, each with what the adapter took it for: where it errs, and how sure it
    was. Where all pairs trained, each was answered by a model that never saw its premise.

    404 `pairs_not_kept` for adapters that were imported or composed, or trained before answers were kept, and for
    another tenant's that is shared: its pairs are not.
    """
    kept = answers.read(blobs, adapter, tenant=caller.tenant)
    chosen = kept.chosen(query.wanted)
    if query.format == "csv" or (query.format is None and _asks_for_csv(request)):
        headers = {"Content-Disposition": disposition(f"{adapter.lang}-{adapter.version}-answers.csv")}
        return StreamingResponse(table(kept, chosen), media_type=CSV, headers=headers)
    begin = 0 if query.cursor is None else _place(query.cursor)
    items = _fitting(kept, chosen[begin : begin + query.limit])
    end = begin + len(items)
    return AnswersPage(
        items=items,
        next_cursor=str(end) if end < len(chosen) else None,
        total=len(chosen),
        kept=len(kept.lines),
        judged=kept.judged,
        part=kept.part,
        estimated=kept.estimated,
    )


@router.get(
    "/adapters/{adapter_id}/comparison/{other_id}",
    operation_id="compare_adapters",
    dependencies=[READ],
    summary="Two adapters beside each other",
    responses=refusals(404, 409),
)
def compare_adapters(
    adapter: AdapterDep, other: OtherAdapterDep, blobs: BlobsDep, caller: CallerDep
) -> ComparisonPublic:
    """Which of the two is better, if either is: a paired test on the pairs that both are scored on, and that neither
    was trained on. Two versions that were trained on the same file, all pairs of it, are scored on the same pairs.

    404 `pairs_not_kept` where one of them has no answers, see `GET /adapters/{id}/answers`.
    """
    kept = [answers.read(blobs, each, tenant=caller.tenant) for each in (adapter, other)]
    return ComparisonPublic.of(adapter, other, beside(*kept))


@router.get(
    "/adapters/{adapter_id}/examples",
    operation_id="download_examples",
    dependencies=[READ],
    summary="The pairs that an adapter was trained on",
    response_class=Response,
    responses={
        200: {
            "description": "Premise, hypothesis and label of each; of pairs of several languages also `lang`.",
            "content": {FORMATS[form]: {"schema": {"type": "string", "format": "binary"}} for form in ("csv", "jsonl")},
        },
        **refusals(404, 422),
    },
)
async def download_examples(
    adapter: AdapterDep, query: Annotated[ExamplesQuery, Query()], blobs: BlobsDep, db: DatabaseDep, caller: CallerDep
) -> Response:
    """As they were read when it was trained: a file to be corrected, added to, and trained on again.

    404 `pairs_not_kept` for adapters that were imported or composed, or that another tenant shares.
    """

    def find() -> DatasetRow:
        with db.read() as session:
            return datasets.examples_of(session, adapter, tenant=caller.tenant)

    dataset = await run_in_threadpool(find)
    with_lang = bool((adapter.examples or {}).get(SOURCES))
    rows = table_of_examples(blobs.stream(dataset.blob_id), query.part, query.format, with_lang=with_lang)
    name = f"{adapter.lang}-{adapter.version or adapter.id}-{query.part}.{query.format}"
    return await download(rows, FORMATS[query.format], name=name, gone=AdapterNotFound(adapter.id))


def _fitting(kept: answers.Answers, places: list[int]) -> list[AnswerPublic]:
    """As many of the answers as one page may hold; the first in any case."""
    items: list[AnswerPublic] = []
    size = 0
    for place in places:
        size += len(kept.lines[place])
        if items and size > LARGEST_PAGE:
            break
        items.append(AnswerPublic.of(kept[place], kept.label_space))
    return items


def _place(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdecimal()) or len(cursor) > 9:
        raise InvalidCursor(f"{cursor!r} is not a cursor; pass on `next_cursor` of the previous page")
    return int(cursor)


def _asks_for_csv(request: Request) -> bool:
    accepted = {each.partition(";")[0].strip().lower() for each in request.headers.get("accept", "").split(",")}
    return CSV in accepted and "application/json" not in accepted
