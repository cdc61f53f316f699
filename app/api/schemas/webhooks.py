"""Webhooks: who is told when a job has ended."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from app.api.schemas.scalars import A_JOB_ID, Answer, Moment, Request
from app.jobs.webhook_hosts import LONGEST_URL
from app.jobs.webhooks import EVENTS, Event
from app.storage import models

A_WEBHOOK_ID = "0199f3d6-2f4a-7d11-9b02-5e8a7c31d0f4"
A_SIGNING_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwZ1pVJXzK3uM="  # noqa: S105  an example
AN_ADDRESS = "https://hooks.example.org/ltp"


def _distinct(events: list[Event]) -> list[Event]:
    if len(set(events)) < len(events):
        raise ValueError("must name each event once")
    return events


Events = Annotated[
    list[Event],
    Field(min_length=1, max_length=len(EVENTS), json_schema_extra={"uniqueItems": True}),
    AfterValidator(_distinct),
]


class WebhookRequest(Request):
    """A new webhook of your tenant."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"url": AN_ADDRESS, "events": ["job.failed"]}]})

    url: Annotated[str, Field(min_length=1, max_length=LONGEST_URL, examples=[AN_ADDRESS])]
    """Where to post to: https, on a host that the setting LTP_WEBHOOK_HOSTS allows."""
    events: Annotated[Events, Field(default_factory=lambda: list(EVENTS))]
    """Which ends of jobs are told. Default: all of them."""


class WebhookPublic(Answer):
    """A webhook without its secret."""

    id: Annotated[str, Field(examples=[A_WEBHOOK_ID])]
    url: Annotated[str, Field(examples=[AN_ADDRESS])]
    events: Annotated[list[Event], Field(examples=[["job.failed", "job.succeeded"]])]
    """Which ends of jobs are told."""
    created_at: Moment

    @classmethod
    def of(cls, row: models.WebhookRow) -> WebhookPublic:
        """Describe a stored webhook."""
        return cls(id=row.id, url=row.url, events=row.events, created_at=row.created_at)


class WebhookCreated(WebhookPublic):
    """A webhook with its secret, this once."""

    secret: Annotated[str, Field(examples=[A_SIGNING_SECRET])]
    """Messages are signed with it, as Standard Webhooks has it. It is not shown again."""


class DeliveryPublic(Answer):
    """One message to a webhook: what it tells of, and whether it has arrived."""

    id: Annotated[str, Field(examples=[A_JOB_ID])]
    """The message's `webhook-id`, the same with each attempt."""
    event: Event
    job: Annotated[str, Field(examples=[A_JOB_ID])]
    """Id of the job."""
    status: Literal["pending", "delivered", "failed"]
    """`pending` until an attempt is answered with 2xx, or the last one was not: then `failed`."""
    attempts: Annotated[int, Field(examples=[1])]
    """How often it was sent."""
    response_status: Annotated[int | None, Field(examples=[200])]
    """Status of the last answer; null: there was none."""
    error: Annotated[str | None, Field(examples=["answered 500; 2xx says that a message has arrived"])]
    """Why the last attempt failed; null: it did not."""
    next_at: Moment | None
    """When it is sent next; null once it is over."""
    created_at: Moment
    ended_at: Moment | None
    """When it arrived, or was given up."""

    @classmethod
    def of(cls, row: models.WebhookDeliveryRow) -> DeliveryPublic:
        """Describe a stored delivery."""
        return cls(
            id=row.id,
            event=row.event,
            job=row.job_id,
            status=row.status,
            attempts=row.attempts,
            response_status=row.response_status,
            error=row.error,
            next_at=row.next_at if row.status == "pending" else None,
            created_at=row.created_at,
            ended_at=row.ended_at,
        )
