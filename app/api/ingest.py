"""Texts that come with a request: checked completely, then staged as blobs, before the transaction that uses them.

Unlabelled text, labelled pairs, and files of pairs to predict. Every refusal names the part of the request it came in,
with line and column where there are any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

from app.api.field_names import in_fields
from app.api.file_names import clean_name
from app.api.multipart import Part
from app.api.refusals import refusal, refusing
from app.api.schemas.prediction_files import PredictionRequest
from app.api.schemas.reading_options import read_options
from app.api.schemas.tickets import CorpusBuiltin, CorpusTexts, TicketRequest
from app.api.schemas.training import AdapterRequest, LabelledPair
from app.api.source_files import read_sources
from app.registry import datasets
from app.registry.adapter_notes import READINGS, SOURCES
from app.registry.submissions import StagedCorpus, StagedPairs
from app.registry.trainings import StagedExamples
from app.storage.blobs import BlobStore
from ltp.config import LABELS, LabelSpace
from ltp.errors import TooFewExamples
from ltp.text.corpus import Corpus
from ltp.text.examples import (
    Example,
    FilePair,
    PairFile,
    Reading,
    Task,
    check_splittable,
    check_trainable,
    in_label_space,
    label_space_of_set,
    read_inline,
    texts_of,
)
from ltp.text.examples import read as read_pairs
from ltp.text.examples.findings import Part as SetPart
from ltp.text.examples.reading import reworded
from ltp.text.vocabulary import Vocabulary

PARTS: dict[SetPart, str] = {"train": "examples", "dev": "dev_examples", "test": "test_examples"}
"""What the registry calls the parts of a dataset, and what requests call them."""
LONGEST_REFERENCE = 128
"""Characters of a reference in a row; a language, `@`, and an alias take 101."""
MOST_REFERENCES = 1000
"""Different references to adapters in one file; each is looked up, and kept with the prediction."""
LEAST_LINES = 2
"""Lines of a corpus: one to train on and one to validate on."""


def stage_corpus(
    blobs: BlobStore,
    *,
    tenant: str,
    request: TicketRequest,
    part: Part | None,
    longest: int,
    vocabulary: Vocabulary | None,
) -> StagedCorpus:
    """Check and stage the corpus of a request. Raises InvalidRequest when there is none, or two, or a bad one."""
    if (part is None) == (request.corpus is None):
        raise refusal("corpus", "give the text once: as `corpus` in the request, as an uploaded file, or a `drift`")
    if isinstance(request.corpus, CorpusBuiltin):
        return StagedCorpus(builtin=request.corpus.builtin)
    return _stage_lines(blobs, tenant, request.corpus, part, longest, vocabulary)


def stage_text(
    blobs: BlobStore,
    *,
    tenant: str,
    given: CorpusTexts | None,
    part: Part | None,
    longest: int,
    vocabulary: Vocabulary | None,
) -> StagedCorpus:
    """Check and stage a language's own text. Raises InvalidRequest when there is none, or two, or a bad one."""
    if (part is None) == (given is None):
        raise refusal("corpus", "give the text once: as `corpus` in the request, or as an uploaded file")
    return _stage_lines(blobs, tenant, given, part, longest, vocabulary)


def _stage_lines(
    blobs: BlobStore,
    tenant: str,
    given: CorpusTexts | None,
    part: Part | None,
    longest: int,
    vocabulary: Vocabulary | None,
) -> StagedCorpus:
    with refusing("corpus"):
        if part is not None:
            corpus = Corpus.from_file(part.path, longest=longest)
            _check_corpus(corpus, vocabulary)
            return _staged(corpus, blobs.stage(tenant, part.path).id, _file_name(part))
        corpus = Corpus.from_texts(given.texts if given is not None else ())
        _check_corpus(corpus, vocabulary)
        return _staged(corpus, blobs.stage(tenant, (f"{line}\n".encode() for line in corpus)).id)


def stage_examples(
    blobs: BlobStore,
    *,
    tenant: str,
    request: AdapterRequest,
    files: Mapping[str, Part],
    longest: int,
    vocabulary: Vocabulary | None,
) -> StagedExamples:
    """Read, check and stage the examples of a request. Raises InvalidRequest, naming part, line and column."""
    read = _read_parts(request, files, longest=longest)
    sources = read_sources(request, files, tuple(PARTS.values()), longest=longest)
    parts = {part: examples for part, (examples, _) in read.items()}
    if "train" in read and read["train"][1].rows and not parts["train"]:
        raise refusal("examples", "none is left: every pair stands with different labels; `conflicts` can keep them")
    pooled = dict(parts)
    if sources:
        pooled["train"] = [*parts.get("train", ()), *(each for source in sources for each in source.examples)]
    label_space = _check(pooled, request.label_space, split=parts.get("train"))
    if vocabulary is not None:
        for part in pooled:
            with refusing(PARTS[part]):
                vocabulary.refuse_unknown(texts_of(pooled[part]))
    blob = blobs.stage(tenant, datasets.write_parts(parts, [source.examples for source in sources]))
    counts: dict[str, Any] = {part: len(pooled.get(part, ())) for part in PARTS}
    readings = {part: kept_reading(reading) for part, (_, reading) in read.items()}
    filename = _file_name(files["examples"]) if "examples" in files else None
    counted = {**counts, "sha256": blob.sha256, READINGS: readings}
    if sources:
        counted[SOURCES] = [source.counted() for source in sources]
    return StagedExamples(blob.id, sum(counts.values()), counted, filename, label_space)


def stage_pairs(
    blobs: BlobStore,
    *,
    tenant: str,
    request: PredictionRequest,
    part: Part,
    longest: int,
    vocabulary: Vocabulary | None,
) -> StagedPairs:
    """Check and stage a file of pairs. Raises InvalidRequest with line and column."""
    references: dict[str, int] = {}
    with refusing(part.name):
        options = read_options(request, lang=None)
        pairs = PairFile(part.path, filename=part.filename or None, options=options, longest=longest)
        count = 0
        for count, pair in enumerate(pairs, start=1):  # noqa: B007  read after the loop
            if not request.ignore_row_lang:
                _note_reference(references, pair)
        if vocabulary is not None:
            vocabulary.refuse_unknown(texts_of(pairs))
    if not count:
        raise refusal(part.name, "the file holds no pairs")
    blob = blobs.stage(tenant, part.path)
    return StagedPairs(blob.id, count, _file_name(part), pairs.written_as, pairs.format, references)


def _note_reference(references: dict[str, int], pair: FilePair) -> None:
    """Add what a row names to the references of its file. Raises ExamplesError for one too long, or one too many."""
    reference = pair.reference
    if reference is None or reference in references:
        return
    role: Literal["adapter", "lang"] = "adapter" if pair.adapter else "lang"
    if len(reference) > LONGEST_REFERENCE:
        message = f"the {role} has {len(reference):,} characters; give lang, lang@version, lang@alias or an id"
        raise pair.record.refuse(message, role)
    if len(references) == MOST_REFERENCES:
        message = f"the rows before name {MOST_REFERENCES:,} different adapters, and no more may be in one file"
        raise pair.record.refuse(f"{message}; split the file", role)
    references[reference] = pair.line


def _check_corpus(corpus: Corpus, vocabulary: Vocabulary | None) -> None:
    if corpus.count < LEAST_LINES:
        raise refusal("corpus", f"{corpus.count} line of text is too little; one must be left to validate on")
    if vocabulary is not None:
        vocabulary.refuse_unknown(corpus)


def _staged(corpus: Corpus, blob_id: str, filename: str | None = None) -> StagedCorpus:
    return StagedCorpus(None, blob_id, corpus.count, filename, corpus.characters)


def _read_parts(
    request: AdapterRequest, files: Mapping[str, Part], *, longest: int
) -> dict[SetPart, tuple[Sequence[Example], Reading]]:
    """Read what was given of the three sets; what labels mean in the training file holds for the others."""
    read: dict[SetPart, tuple[Sequence[Example], Reading]] = {}
    options = replace(read_options(request, lang=request.lang), label_space=request.label_space)
    for part, name in PARTS.items():
        inline, file = getattr(request, name), files.get(name)
        if inline is not None and file is not None:
            raise refusal(name, "give the examples once: in the request, or as an uploaded file")
        task: Task = "train" if part == "train" else "evaluate"
        with refusing(name):
            if inline is not None:
                read[part] = read_inline([_example(pair) for pair in inline], options=options, task=task)
            elif file is not None:
                like = read["train"][1] if "train" in read and "examples" in files else None
                filename = file.filename or None
                read[part] = read_pairs(
                    file.path, filename=filename, options=options, task=task, longest=longest, like=like
                )
    return read


def _example(pair: LabelledPair) -> Example:
    label = LABELS[pair.label] if isinstance(pair.label, int) else pair.label
    return Example(pair.premise, pair.hypothesis, label)


def _check(
    given: Mapping[SetPart, Sequence[Example]], asked: LabelSpace | None, *, split: Sequence[Example] | None
) -> LabelSpace:
    """Refuse what cannot be trained on or scored; return the label space of all parts. `split` is held out from."""
    if not given.get("train"):
        raise refusal("examples", "there are none; send them in the request or as a file")
    with refusing("examples"):
        space = asked or label_space_of_set(given, train="train")
    parts: dict[SetPart, Sequence[Example]] = {}
    for part, examples in given.items():
        with refusing(PARTS[part]):
            parts[part], _ = in_label_space(examples, space, asked=asked is not None)
    _check_parts(parts, space, split=split or parts["train"])
    return space


def _check_parts(parts: Mapping[SetPart, Sequence[Example]], space: LabelSpace, *, split: Sequence[Example]) -> None:
    with refusing("examples"):
        check_trainable(parts["train"], space)
        if "dev" not in parts:
            check_splittable(split)
    for part in ("dev", "test"):
        if part in parts:
            if not parts[part]:
                raise refusal(PARTS[part], "there are none; leave it out, or send some")
            with refusing(PARTS[part]), suppress(TooFewExamples):  # scoring needs no label to occur
                check_trainable(parts[part], space)


def kept_reading(reading: Reading) -> dict[str, Any]:
    """Return what an adapter keeps of a reading: no row of the file, and the API's words for the ways out."""
    told = replace(
        reading,
        sample=(),
        notes=reworded(reading.notes, in_fields),
        warnings=reworded(reading.warnings, in_fields),
    )
    return told.as_dict()


def _file_name(part: Part) -> str | None:
    """Return the last element of the name that the client gave the file, if any."""
    return clean_name(part.filename or "") or None
