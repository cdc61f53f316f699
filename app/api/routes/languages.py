"""Languages, and the aliases that point at their versions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from app.api.dependencies import DatabaseDep, LanguageDep, QuotaDep
from app.api.pages import page_of
from app.api.request_body import ParsedBody, RequestBody
from app.api.schemas.errors import refusals
from app.api.schemas.languages import AliasPublic, AliasTarget, AnsweringPublic, LanguagePublic
from app.api.schemas.scalars import ALIAS, Page, PageQuery
from app.auth.caller import CallerDep
from app.auth.scopes import READ, TRAIN
from app.registry import aliases, languages
from app.registry.alias_names import check_name
from app.registry.language_tags import macrolanguage_of, name_of

router = APIRouter(tags=["languages"])


def _alias(
    alias: Annotated[
        str,
        Path(
            description="Name of the alias.",
            examples=["production"],
            json_schema_extra={"pattern": ALIAS, "maxLength": 64},
        ),
    ],
) -> str:
    """Check the alias of the path; raises InvalidAlias."""
    return check_name(alias)


AliasDep = Annotated[str, Depends(_alias)]
TargetDep = Annotated[ParsedBody[AliasTarget], Depends(RequestBody(AliasTarget))]


@router.get(
    "/languages", operation_id="list_languages", dependencies=[READ], summary="List languages", responses=refusals(422)
)
def list_languages(query: Annotated[PageQuery, Query()], db: DatabaseDep, caller: CallerDep) -> Page[LanguagePublic]:
    """Languages with a ready adapter, by their tags: versions and aliases, what answers for each and how well, and what
    is near them."""
    with db.read() as session:
        page = languages.list_page(session, tenant=caller.tenant, limit=query.limit, cursor=query.cursor)
        answering = languages.answering(session, tenant=caller.tenant, langs=[row.lang for row in page.items])
    return page_of(page, lambda row: _shown(row, answering.get(row.lang)), cursor=lambda row: row.lang)


@router.put(
    "/languages/{lang}/aliases/{alias}",
    operation_id="set_alias",
    dependencies=[TRAIN],
    summary="Point an alias at a version",
    responses=refusals(404, 409, 413, 415, 422),
)
def set_alias(
    lang: LanguageDep, alias: AliasDep, body: TargetDep, db: DatabaseDep, caller: CallerDep, quota: QuotaDep
) -> AliasPublic:
    """Create or move an alias, atomically. `production` is what a bare language means."""
    version = body.request.version
    with db.write() as session:
        adapter = aliases.set_alias(session, tenant=caller.tenant, lang=lang, alias=alias, version=version)
        quota.check(session, caller.tenant)
    return AliasPublic(lang=lang, alias=alias, version=version, adapter=adapter.id)


@router.delete(
    "/languages/{lang}/aliases/{alias}",
    status_code=204,
    operation_id="delete_alias",
    dependencies=[TRAIN],
    summary="Delete an alias",
    responses=refusals(404, 422),
)
def delete_alias(lang: LanguageDep, alias: AliasDep, db: DatabaseDep, caller: CallerDep) -> None:
    """The adapter it pointed at stays."""
    with db.write() as session:
        aliases.delete_alias(session, tenant=caller.tenant, lang=lang, alias=alias)


def _shown(row: languages.LanguageSummary, answering: languages.Answering | None) -> LanguagePublic:
    return LanguagePublic(
        lang=row.lang,
        name=name_of(row.lang),
        versions=list(row.versions),
        aliases=row.aliases,
        answering=None if answering is None else AnsweringPublic.of(answering),
        macrolanguage=macrolanguage_of(row.lang),
        related=list(row.related),
        starters=list(row.starters),
    )
