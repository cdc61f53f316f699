"""What an exported file must be before anything of it is stored: whole, possible on this backbone, and answering."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from app.inference.adapter_source import ImportedFile
from ltp.backbone.answer_tokens import answer_tokens
from ltp.backbone.architecture import layer_of
from ltp.backbone.manifest import BackboneInfo
from ltp.errors import (
    AdapterNotUsable,
    CorruptArtifact,
    DeltaDoesNotFitTicket,
    InvalidConfig,
    NonFiniteWeights,
    VerbalizerNotSingleToken,
)
from ltp.model.methods import METHODS
from ltp.model.template import least_tokens
from ltp.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from ltp.adapter.artefact import Adapter, Export
    from ltp.ticket.mask import Ticket


def verified(path: Path, backbone: BackboneInfo, vocabulary: Vocabulary | None) -> Export:
    """Read an export, whose values stay in the file. Imports torch.

    Raises:
        CorruptArtifact, NonFiniteWeights: it is not what it says, or says what cannot be.
        BackboneMismatch: it was made on another backbone.
    """
    from ltp.adapter.artefact import read_export

    try:
        export = read_export(path, backbone, leave=True)
    except DeltaDoesNotFitTicket as error:
        raise CorruptArtifact(str(error)) from error
    _check_plausible(export.adapter, export.ticket, backbone, vocabulary)
    _check_words(export.adapter, vocabulary)
    return export


def check_answers(try_out: Callable[[ImportedFile], None], file: ImportedFile) -> None:
    """Refuse an adapter that is finite itself and computes what is not.

    Raises:
        NonFiniteWeights: it does. Likewise whatever `try_out` raises for other reasons.
    """
    try:
        try_out(file)
    except AdapterNotUsable as error:
        raise NonFiniteWeights("what the adapter computes is NaN or infinite: its values are too large") from error


def _check_words(adapter: Adapter, vocabulary: Vocabulary | None) -> None:
    """Refuse a verbalizer that is not one token of the vocabulary a label: no training here could have used it."""
    words = adapter.verbalizer.by_label
    if vocabulary is None or words is None:
        return
    try:
        answer_tokens(vocabulary.tokenizer, words)
    except VerbalizerNotSingleToken as error:
        raise CorruptArtifact(f"the adapter's verbalizer cannot be: {error}") from error


def _check_plausible(
    adapter: Adapter, ticket: Ticket | None, backbone: BackboneInfo, vocabulary: Vocabulary | None
) -> None:
    """Refuse figures that no training here could have written; bytes and hashes were checked before."""
    tokenizer = None if vocabulary is None else vocabulary.tokenizer
    form, most = METHODS[adapter.method].form, backbone.max_positions
    least = least_tokens(form, prompt_length=len(adapter.prompt), tokenizer=tokenizer)
    if not least <= adapter.template.max_length <= most:
        found = adapter.template.max_length
        raise CorruptArtifact(f"the adapter's max_length is {found}; with its prompt it must be {least} to {most}")
    if ticket is None:
        return
    from ltp.backbone.layers import layers_in

    try:
        scope = layers_in(ticket.config.layers, backbone.layers)
    except InvalidConfig as error:
        raise CorruptArtifact(f"the ticket's scope cannot be: {error}") from error
    if beyond := sorted(name for name in ticket.masks if layer_of(name) not in scope):
        raise CorruptArtifact(f"the ticket is active in {beyond[0]}, which is not in its scope {ticket.config.layers}")
    size = sum(prod(shape) for shape in ticket.shapes.values())
    counted = 0 <= ticket.zero_drift <= ticket.active <= ticket.selectable <= size
    if not counted or not 0 <= ticket.moved <= ticket.selectable:
        raise CorruptArtifact("the ticket's counts contradict each other")
