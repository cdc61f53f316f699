"""The ticket's mask inside an adapter's export: `mask/<name>` tensors, and the ticket's own metadata as one field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ltp import strict_json
from ltp.backbone.manifest import BackboneInfo
from ltp.errors import CorruptArtifact
from ltp.tensorfile import Array, Header, Stored
from ltp.ticket.mask import Ticket, attach_masks, parse_header

PREFIX, FIELD = "mask/", "ticket"


def to_tensors(ticket: Ticket) -> tuple[dict[str, Array], dict[str, str]]:
    """Tensors and metadata that carry a ticket along."""
    return {PREFIX + name: mask for name, mask in ticket.masks.items()}, {
        FIELD: json.dumps(ticket.metadata(), allow_nan=False)
    }


def ticket_of_header(header: Header, backbone: BackboneInfo | None) -> Ticket | None:
    """The ticket that an export's header describes, its masks still to be read; None when it describes none.

    Raises:
        CorruptArtifact, BackboneMismatch: the description cannot be true.
    """
    entries = {name[len(PREFIX) :]: entry for name, entry in header.entries.items() if name.startswith(PREFIX)}
    if FIELD not in header.metadata:
        if entries:
            raise CorruptArtifact("the file holds masks but does not describe their ticket")
        return None
    try:
        metadata = strict_json.read(header.metadata[FIELD], strict_json.TEXTS)
    except ValueError as error:
        raise CorruptArtifact(f"the description of the file's ticket cannot be read: {error}") from error
    return parse_header(Header(dict(sorted(entries.items())), metadata, header.data_start), backbone)


def from_tensors(ticket: Ticket, arrays: Mapping[str, Array | Stored]) -> Ticket:
    """Give a described ticket its masks; raises CorruptArtifact when they cannot be its own."""
    stored = {name: arrays[PREFIX + name] for name in ticket.masks}
    masks = {name: mask.mapped() if isinstance(mask, Stored) else mask for name, mask in stored.items()}
    return attach_masks(ticket, cast("dict[str, NDArray[np.uint8]]", masks))
