"""What training takes of memory besides what trains: the process, the backbone, and a part of a batch under way.

Numbers are upper bounds of what was measured, mostly by less than a fifth. Imports no torch.
"""

from __future__ import annotations

from ltp.backbone.manifest import BackboneInfo

FLOAT = 4
"""Bytes of an fp32 number."""
PROCESS = 450 << 20
"""Interpreter, torch, the service's own modules and a tokenizer of 250,000 pieces."""
SCRATCH = 150 << 20
"""What a step allocates whatever its size."""
HIDDEN_COPIES, INTERMEDIATE_COPIES, SCORE_COPIES = 12, 2, 2.25
"""What a layer keeps for the way back: of the hidden states for each token, of the feed-forward network's inner ones,
and of the attention scores, softmax before and after dropout and a byte for what was dropped."""


def process_bytes(backbone: BackboneInfo) -> int:
    """A process that has the backbone in memory."""
    return PROCESS + FLOAT * backbone.parameters


def activation_bytes(backbone: BackboneInfo, *, examples: int, length: int) -> int:
    """One part of a batch on its way through the layers and back: `examples` of `length` padded tokens."""
    arch = backbone.architecture
    a_token = HIDDEN_COPIES * arch.hidden + INTERMEDIATE_COPIES * arch.intermediate + SCORE_COPIES * arch.heads * length
    return SCRATCH + int(FLOAT * arch.layers * examples * length * a_token)
