"""The whole model as one published adapter makes it: what training is scored by, and what serving is held to."""

from __future__ import annotations

from ltp.adapter.artefact import Adapter
from ltp.backbone.architecture import WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.delta import fuse
from ltp.encoder import Weights, look_up, weights_from
from ltp.ticket import Ticket


def decoded(backbone: Backbone, adapter: Adapter, ticket: Ticket | None) -> Weights:
    """Fuse an adapter, in fp32, into copies of the tensors it changes; the others are the backbone's by reference.

    Raises:
        DeltaDoesNotFitTicket: this is not the adapter's ticket.
    """
    adapter.check(ticket)
    if ticket is None:
        return weights_from(backbone, {})
    changed, overlay = fuse(backbone.parameters, adapter.delta, ticket)
    answers = None
    if overlay is not None and adapter.strategy == "tied":
        answers = look_up(backbone.parameters[WORD_EMBEDDINGS], overlay, backbone.verbalizer)
    return weights_from(backbone, changed, overlay=overlay, answers=answers)
