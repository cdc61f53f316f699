"""A file looked at before anything is done with it: what the reader understands, and what the backbone makes of it.

Nothing is kept: the upload lies in the request's folder on the spool, which goes with the request however that ends.
"""

from __future__ import annotations

from dataclasses import replace

from app.api.field_names import in_fields
from app.api.multipart import Part
from app.api.refusals import refusing
from app.api.schemas.reading_options import read_options
from app.api.schemas.readings import CheckRequest
from ltp.config import AdapterConfig
from ltp.model.methods import METHODS
from ltp.model.template import least_tokens
from ltp.text.corpus_reading import check_corpus
from ltp.text.examples import PairFile, Reading, Task, check
from ltp.text.examples.reading import reworded
from ltp.text.token_reading import count_tokens
from ltp.text.vocabulary import Vocabulary

PAIR = 2
"""Tokens of the shortest pair, which the least that a template needs counts, too."""
UNCOUNTED = "the backbone is still being loaded: what is cut, and what its vocabulary does not have, was not counted"


def check_part(part: Part, request: CheckRequest, *, longest: int, vocabulary: Vocabulary | None) -> Reading:
    """Read an uploaded file as `request` says. Raises InvalidRequest with line, column and the way out."""
    with refusing(part.name):
        if request.task == "corpus":
            reading = check_corpus(part.path, longest=longest, vocabulary=vocabulary)
        else:
            reading = _check_pairs(part, request, request.task, longest=longest, vocabulary=vocabulary)
    notes = list(reading.notes) if vocabulary is not None else [*reading.notes, UNCOUNTED]
    return replace(reading, notes=reworded(notes, in_fields), warnings=reworded(reading.warnings, in_fields))


def _check_pairs(
    part: Part, request: CheckRequest, task: Task, *, longest: int, vocabulary: Vocabulary | None
) -> Reading:
    options, filename = read_options(request, lang=request.lang), part.filename or None
    reading = check(part.path, filename=filename, options=options, task=task, longest=longest)
    if vocabulary is None:
        return reading
    config = AdapterConfig()
    form = METHODS["ltp"].form
    template = least_tokens(form, prompt_length=config.prompt_length, tokenizer=vocabulary.tokenizer)
    room = config.max_length - template + PAIR
    pairs = PairFile(part.path, filename=filename, options=options, allow_blank=True)
    return count_tokens(reading, pairs, vocabulary, room=room)
