"""Unlabelled text: read through once, so that a bad line is found before a job is made of it."""

from __future__ import annotations

from dataclasses import dataclass

from app.blobs import BlobStore
from app.intake.faults import fault, file_name, naming
from app.schemas.tickets import CorpusBuiltin, TicketRequest
from app.uploads import Part
from ltp.corpus import Corpus

LEAST_LINES = 2
"""One to train on and one to validate on."""


@dataclass(frozen=True)
class IncomingCorpus:
    """A built-in corpus by name, or a staged one."""

    builtin: str | None = None
    blob_id: str | None = None
    count: int = 0
    filename: str | None = None


def take_corpus(
    blobs: BlobStore, *, tenant: str, request: TicketRequest, part: Part | None, longest: int
) -> IncomingCorpus:
    """Check and stage the corpus of a request. Raises InvalidRequest when there is none, or two, or a bad one."""
    if (part is None) == (request.corpus is None):
        raise fault("corpus", "give the text once: as `corpus` in the request, as an uploaded file, or a `drift`")
    if isinstance(request.corpus, CorpusBuiltin):
        return IncomingCorpus(builtin=request.corpus.builtin)
    with naming("corpus"):
        if part is not None:
            count = _count(Corpus.from_file(part.path, longest=longest))
            return IncomingCorpus(None, blobs.stage(tenant, part.path).id, count, file_name(part))
        corpus = Corpus.from_texts(request.corpus.texts if request.corpus is not None else ())
        count = _count(corpus)
        return IncomingCorpus(None, blobs.stage(tenant, (f"{line}\n".encode() for line in corpus)).id, count)


def _count(corpus: Corpus) -> int:
    if corpus.count < LEAST_LINES:
        raise fault("corpus", f"{corpus.count} line of text is too little; one must be left to validate on")
    return corpus.count
