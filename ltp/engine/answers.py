"""From the logits of a batch that mixes adapters to probabilities, each adapter's own calibration applied on the way.

Dimensions: B examples, K labels of the adapter that has most.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ltp.engine.packing import Span


def probabilities(logits: Tensor, spans: Sequence[Span]) -> Tensor:
    """Softmax of (B, K), of which each span's examples have as many labels as its adapter and -inf after them.

    NaN throughout where one of an example's logits is not finite, also where the softmax of it would be. The logits
    are overwritten.
    """
    for span in spans:
        view, (first, last) = span.view, span.examples
        if view.bias is not None:
            logits[first:last, : view.classes].div_(view.temperature).add_(view.bias)
    finite = logits.isfinite()
    classes = [span.view.classes for span in spans]
    if min(classes) < logits.shape[1]:
        for span, fewer in zip(spans, classes, strict=True):
            finite[span.examples[0] : span.examples[1], fewer:] = True
    return logits.softmax(1).where(finite.all(1, keepdim=True), torch.nan)
