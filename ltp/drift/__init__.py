"""Stage 1 (3.1, 4.2): how far every parameter moves when the backbone is trained on unlabelled text of one language.

`run` is the training loop, `corpus` what it reads, `batches` how lines become batches, `forward` and `softmax` the
model, `movable` which parameters train and how, `stored` the drift that comes out.
"""

from ltp.drift.run import train_drift
from ltp.drift.stored import Drift

__all__ = ["Drift", "train_drift"]
