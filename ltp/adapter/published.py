"""What was trained, as the adapter that is published."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.adapter.dense import DenseParameters
from ltp.adapter.plan import TrainingPlan
from ltp.adapter.seed_run import with_prefix
from ltp.adapter.sparse import SparseParameters
from ltp.delta.delta import DeltaDtype


def adapter_of(
    plan: TrainingPlan,
    model: SparseParameters | DenseParameters,
    trained: Mapping[str, Tensor],
    dtype: DeltaDtype,
) -> Adapter:
    """Encode tensors that a run of the plan trained (`SeedRun.now`); `model` knows where their values belong."""
    return Adapter(
        prompt=trained["prompt"].cpu(),
        delta=model.delta(trained["values"].to(model.values.device), dtype),
        method=plan.method,
        strategy=plan.strategy,
        backbone=plan.backbone.info.fingerprint,
        ticket_sha256=plan.ticket.sha256 if plan.ticket else None,
        template=TemplateOptions(literal=plan.config.literal, max_length=plan.config.max_length),
        text_form=plan.config.text_form,
        head={name: tensor.cpu() for name, tensor in with_prefix(trained, "head").items()},
        chosen=plan.verbalizer,
    )
