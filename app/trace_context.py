"""The trace that the present request belongs to, as W3C's `traceparent` writes it: what queues and jobs carry on.

A string, so that it can wait in the queue and lie in a job's row; only `app.telemetry.tracing` makes and reads one.
"""

from __future__ import annotations

from contextvars import ContextVar

TRACEPARENT: ContextVar[str] = ContextVar("traceparent", default="")
"""Empty where nothing is traced."""
IN_PAYLOAD = "traceparent"
"""Where a job's row keeps that of the request which made it; older releases neither write nor read it."""
IN_ENVIRONMENT = "TRACEPARENT"
"""How a job's process is told of its runner's span, as OpenTelemetry has it for processes."""
