"""Files of pairs to predict: every row is read once before a job is made of them."""

from __future__ import annotations

from dataclasses import dataclass

from app.blobs import BlobStore
from app.intake.faults import fault, file_name, naming
from app.uploads import Part
from ltp.examples import PairFile


@dataclass(frozen=True)
class IncomingPairs:
    """A staged file. `format` is `jsonl`, `csv` or `tsv`, told from its content."""

    blob_id: str
    count: int
    filename: str | None
    format: str


def take_pairs(blobs: BlobStore, *, tenant: str, part: Part, longest: int) -> IncomingPairs:
    """Check and stage a file of pairs. Raises InvalidRequest with line and column."""
    with naming(part.name):
        pairs = PairFile(part.path, filename=part.filename or None, longest=longest)
        count = pairs.count()
    if not count:
        raise fault(part.name, "the file holds no pairs")
    return IncomingPairs(blobs.stage(tenant, part.path).id, count, file_name(part), pairs.format)
