"""The MLM run on a language's own text at a ticket's positions: the best values on held-out lines, and what they give.

Output embeddings and LM head stay as they are (but for the embeddings of a `tied` ticket), so that held-out loss is
that of the very values that are kept, and a verbalizer's words are read as before.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ltp.backbone.architecture import WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.config import LanguageConfig, MLMConfig
from ltp.delta.delta import Delta, DeltaDtype, encode
from ltp.drift.memory import PART_TOKENS
from ltp.drift.plan import plan_lines
from ltp.drift.run import MLMRun
from ltp.errors import BackboneMismatch, DeltaDoesNotFitTicket
from ltp.language_delta.artefact import LanguageDelta
from ltp.language_delta.parameters import TicketParameters
from ltp.progress import ProgressCallback
from ltp.text.corpus import lines_of_texts, sha256_of_lines
from ltp.text.sampling import sample_lines
from ltp.ticket.mask import Ticket
from ltp.training.checkpoint import Checkpoints, identity_of

FEW_HELD_OUT = 20
"""Held-out lines below which their loss is a rough guide only."""


def train_language_delta(
    backbone: Backbone,
    ticket: Ticket,
    lines: Sequence[str],
    *,
    config: MLMConfig | None = None,
    progress: ProgressCallback | None = None,
    checkpoints: Checkpoints | None = None,
    device: str = "cpu",
    part_tokens: int = PART_TOKENS,
    warn: Callable[[str], None] | None = None,
    dtype: DeltaDtype = "fp16",
) -> LanguageDelta:
    """Train the ticket's positions on `lines` and return by how much they differ at the best validation.

    The lines are taken as `train_drift` takes them, equal ones once. What a `LanguageConfig` leaves open follows from
    their number and the backbone. The same arguments give the same bits, also across an interruption that `checkpoints`
    bridges, and `warn` is told what is lost of the text and whether the result can help.

    Raises:
        BackboneMismatch: the ticket was drawn on another backbone.
        DeltaDoesNotFitTicket: nothing is active in it.
        CorpusError: fewer than two lines can be used, or one holds a character that is not text.
        UnknownText: not one word of it is in the backbone's vocabulary.
        TrainingDiverged: a loss became NaN or infinite.
        TrainingCancelled: raised by `progress`.
    """
    if ticket.backbone != backbone.info.fingerprint:
        raise BackboneMismatch(artefact=ticket.backbone, backbone=backbone.info.fingerprint)
    if not ticket.masks:
        raise DeltaDoesNotFitTicket("no parameter is active in this ticket, so text can change none; take another")
    report, config, backbone = progress or (lambda _: None), config or LanguageConfig(), backbone.on(device)
    sample = sample_lines(lines_of_texts(lines), config.sample, config.seed)
    distinct = list(dict.fromkeys(sample))
    used, patience = resolved(config, lines=len(distinct), backbone=backbone), getattr(config, "patience", None)
    plan, losses = plan_lines(backbone, distinct, used, report, warn)
    corpus = sha256_of_lines(distinct)
    identity = identity_of(
        kind="language_delta",
        backbone=backbone.info.fingerprint,
        ticket=ticket.sha256,
        corpus=corpus,
        config=dataclasses.asdict(used),
        patience=patience,
    )
    parameters = TicketParameters(backbone, ticket, rows=torch.from_numpy(plan.rows))
    run = MLMRun(backbone, plan, parameters, used, report, checkpoints, identity, part_tokens, patience)
    best, history = run.train()
    told = _verdict(history)
    if not told["helps"]:
        (warn or (lambda _: None))(told["verdict"])
    counted = {"corpus_sha256": corpus, "repeated_lines": len(sample) - len(distinct)}
    made_with = {"config": dataclasses.asdict(used) | {"patience": patience}}
    return LanguageDelta(
        delta=_encoded(parameters, best, ticket, dtype),
        ticket_sha256=ticket.sha256,
        backbone=backbone.info.fingerprint,
        strategy=ticket.strategy,
        text_form=used.text_form,
        report=history | losses | told | counted | made_with,
    )


def _encoded(parameters: TicketParameters, best: dict[str, Tensor], ticket: Ticket, dtype: DeltaDtype) -> Delta:
    rows = {} if parameters.rows is None else {WORD_EMBEDDINGS: parameters.rows.cpu()}
    return encode(parameters.changes(best), ticket, dtype=dtype, rows=rows)


def resolved(config: MLMConfig, *, lines: int, backbone: Backbone) -> MLMConfig:
    """Fill in what a `LanguageConfig` leaves open; any other configuration stays as it is."""
    if not isinstance(config, LanguageConfig):
        return config
    return config.resolved(lines=lines, learning_rate=backbone.info.learning_rate)


def _verdict(history: dict[str, Any]) -> dict[str, Any]:
    """Say what held-out loss was before and is after, and in a sentence whether the language delta can help."""
    before, after = history["losses"][0]["validation"], history["best_loss"]
    held, step = history["lines"]["validation"], history["best_step"]
    told = f"the loss of {held:,} held-out lines went from {before:.3f} to {after:.3f} nats a token"
    if after < before:
        verdict = f"{told}, its lowest after step {step:,}"
    else:
        verdict = f"{told}: the language delta cannot help; more text, or a lower learning rate, may"
    if held < FEW_HELD_OUT:
        verdict += f"; so few lines ({held}) are a rough guide only"
    return {
        "held_out": {"before": before, "after": after, "perplexity": [math.exp(before), math.exp(after)]},
        "helps": after < before,
        "verdict": verdict,
    }
