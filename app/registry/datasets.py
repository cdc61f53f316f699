"""Uploaded texts, kept for lineage and repeated attempts, and erased with what was made from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Literal

from sqlalchemy import ColumnElement, delete, exists, or_, select
from sqlalchemy.orm import Session

from app.errors import PairsNotKept
from app.storage import blob_lifecycle
from app.storage.models import AdapterRow, BlobRow, DatasetRow, DriftRow, LanguageDeltaRow, PredictionRow
from app.storage.table import new_id, now
from ltp.text.examples import Example
from ltp.text.examples.findings import Part


def create(
    session: Session,
    *,
    tenant: str,
    kind: Literal["corpus", "examples", "pairs"],
    blob_id: str,
    count: int,
    filename: str | None = None,
) -> DatasetRow:
    """Register a staged blob as a dataset. `count` is lines, examples or pairs."""
    blob = session.get_one(BlobRow, blob_lifecycle.use(session, blob_id))
    dataset = DatasetRow(
        id=new_id(),
        tenant=tenant,
        kind=kind,
        blob_id=blob.id,
        sha256=blob.sha256,
        count=count,
        filename=filename[-255:] if filename else None,
        created_at=now(session),
    )
    session.add(dataset)
    session.flush()
    return dataset


def erase(session: Session, dataset_id: str | None) -> None:
    """Delete a dataset and its text, unless something else was made from it."""
    if dataset_id is None or session.scalar(select(_used(dataset_id))):
        return
    blob_id = session.scalar(delete(DatasetRow).where(DatasetRow.id == dataset_id).returning(DatasetRow.blob_id))
    if blob_id is not None:
        blob_lifecycle.erase_text(session, blob_id)


def write_parts(parts: Mapping[Part, Sequence[Example]], sources: Iterable[Sequence[Example]] = ()) -> Iterator[bytes]:
    """Write labelled examples as JSON lines that name their part; `read_parts` is the inverse.

    Those of `sources` are trained on, too, and keep their languages; of the others none is kept.
    """
    mine = ((part, replace(example, lang=None)) for part, examples in parts.items() for example in examples)
    theirs = (("train", example) for examples in sources for example in examples)
    for part, example in chain(mine, theirs):
        row = {
            "part": part,
            "premise": example.premise,
            "hypothesis": example.hypothesis,
            "label": example.label,
            "line": example.line,
            **({} if example.lang is None else {"lang": example.lang}),
        }
        yield (json.dumps(row, ensure_ascii=False) + "\n").encode()


def read_parts(path: Path) -> dict[Part, list[Example]]:
    """Read what `write_parts` wrote; a part that was not given is an empty list."""
    parts: dict[Part, list[Example]] = {"train": [], "dev": [], "test": []}
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            parts[row.pop("part")].append(Example(**row))
    return parts


def examples_of(session: Session, adapter: AdapterRow, *, tenant: str) -> DatasetRow:
    """Return the dataset that a tenant's adapter was trained on. Raises `PairsNotKept`."""
    if adapter.tenant != tenant:
        why = "it came with the program" if adapter.origin == "starter" else "it is another tenant's, and so are they"
        raise PairsNotKept("examples", adapter.id, why)
    dataset = session.get(DatasetRow, adapter.dataset_id) if adapter.dataset_id else None
    if dataset is None:
        raise PairsNotKept("examples", adapter.id, "it was imported, or composed of others")
    return dataset


def _used(dataset_id: str) -> ColumnElement[bool]:
    made_from = (AdapterRow, DriftRow, LanguageDeltaRow, PredictionRow)
    return or_(*(exists().where(table.dataset_id == dataset_id) for table in made_from))
