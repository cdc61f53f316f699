"""Stage 2 (3.2, 4.2): few-shot training of one language's adapter, and the file that publishes it.

`plan` checks and encodes what is given, `seed_run` trains one seed, `train` runs the seeds and publishes the best,
`report` scores it; `sparse` and `dense` say what trains. `artefact` is the published file, `header` what it must say of
itself, `exported_mask` what an export adds to it, `materialise` its values in memory.
"""

from ltp.adapter.artefact import Adapter, Export, TemplateOptions, leave_values, read_export
from ltp.adapter.train import TrainedAdapter, train_adapter

__all__ = ["Adapter", "Export", "TemplateOptions", "TrainedAdapter", "leave_values", "read_export", "train_adapter"]
