"""How a job is written down, so that a worker of another release leaves alone what it could not read.

A job of a newer form waits for a worker that knows it; a worker reads every older one, so that workers are upgraded
beside an API in any order and what was queued before is done after. What a job says is its row and those it refers to:
the hyperparameters of its stage above all. What adds to that, and an older worker would trip over, raises `FORM`.
"""

from __future__ import annotations

FORM = 4
"""The newest form, in which jobs are submitted here."""
