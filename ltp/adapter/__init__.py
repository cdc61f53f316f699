"""Stage 2 (3.2, 4.2): few-shot training of one language's adapter, and the file that publishes it.

`plan` checks and encodes what is given, `seed_run` trains one seed, `train` runs the seeds and publishes the best,
`report` scores it; `artefact` is the published file, `mask_along` what an export adds to it, `seal` its checksum.
"""

from ltp.adapter.artefact import Adapter, Export, TemplateOptions, leave_values, read_export
from ltp.adapter.train import TrainedAdapter, train_adapter

__all__ = ["Adapter", "Export", "TemplateOptions", "TrainedAdapter", "leave_values", "read_export", "train_adapter"]
