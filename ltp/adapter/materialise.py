"""The whole model as one published adapter makes it: training is scored by it, and serving is tested against it."""

from __future__ import annotations

from dataclasses import replace

from ltp.adapter.artefact import Adapter
from ltp.backbone.architecture import DECODER, WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.backbone.strategy import STRATEGIES
from ltp.delta.fuse import fuse, overlay
from ltp.model.encoder import Weights, look_up, weights_from
from ltp.model.head import ClassHead
from ltp.ticket.mask import Ticket


def materialise(backbone: Backbone, adapter: Adapter, ticket: Ticket | None) -> Weights:
    """Fuse an adapter, in fp32, into copies of the tensors it changes; the others are the backbone's by reference.

    Raises:
        DeltaDoesNotFitTicket: this is not the adapter's ticket, or its delta is not this backbone's.
    """
    adapter.check(ticket, backbone.shapes)
    parameters, words = backbone.parameters, adapter.verbalizer.by_label
    changed, rows = fuse(parameters, adapter.delta, ticket)
    if words is None:
        weights = weights_from(backbone, changed, overlay=rows)
        head = {name: tensor.to(weights.word.device) for name, tensor in adapter.head.items()}
        return replace(weights, classifier=ClassHead(head))
    tokens, answers = backbone.tokens_of(words), None
    if STRATEGIES[adapter.strategy].ties_output:
        answers = look_up(parameters[WORD_EMBEDDINGS], rows, tokens)
    elif DECODER in adapter.delta.values:
        answers = look_up(backbone.decoder, overlay(parameters, adapter.delta, ticket, name=DECODER), tokens)
    return weights_from(backbone, changed, overlay=rows, answers=answers, words=tokens)
