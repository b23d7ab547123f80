"""Webhooks and their deliveries in Speakr's words. `signing_key` is Hansard's: the secret for Standard Webhooks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.dialects.speakr.common import utc
from shared.domain import signatures, webhooks
from shared.domain.webhooks import DeliveryStatus, WebhookEvent

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
#: Defaults are not checked against their types: what is left out may stay out, but it may not be null.
_ABSENT: Any = None


class WebhookRequest(BaseModel):
    """A new webhook. The order is that of the checks; unknown keys are ignored."""

    model_config = ConfigDict(extra="ignore")

    name: _Text
    url: _Text
    events: list[str] = Field(min_length=1)
    allow_http: bool = False
    enabled: bool = True


class WebhookPatch(BaseModel):
    """What is left out stays as it is; nothing may be null."""

    model_config = ConfigDict(extra="ignore")

    name: _Text = _ABSENT
    url: _Text = _ABSENT
    events: list[str] = Field(default=_ABSENT, min_length=1)
    allow_http: bool = _ABSENT
    enabled: bool = _ABSENT


class ReasonRequest(BaseModel):
    model_config = ConfigDict(extra="ignore")

    reason: str = ""


class Webhook(BaseModel):
    id: int
    user_id: int
    name: str
    url: str
    allow_http: bool
    events: list[str]
    enabled: bool
    auto_paused: bool
    consecutive_failures: int
    created_at: datetime
    updated_at: datetime
    last_delivery_at: datetime | None


class WebhookWithSecret(Webhook):
    """`secret` signs `Speakr-Signature`; `signing_key` is the same for libraries that verify Standard Webhooks."""

    secret: str
    signing_key: str


class WebhookList(BaseModel):
    webhooks: list[Webhook]
    event_types: list[str]
    max_per_user: int


class Delivery(BaseModel):
    id: int
    webhook_id: int
    event_id: UUID
    event_type: str
    attempt_count: int
    status: DeliveryStatus
    response_status: int | None
    response_body_preview: str | None
    error_message: str | None
    next_retry_at: datetime | None
    created_at: datetime
    delivered_at: datetime | None


class DeliveryWithPayload(Delivery):
    payload: str


class DeliveryList(BaseModel):
    deliveries: list[Delivery]
    limit: int


def webhook(found: webhooks.Webhook) -> dict[str, Any]:
    return {
        "id": found.id,
        "user_id": found.user_id,
        "name": found.name,
        "url": found.url,
        "allow_http": found.allow_http,
        "events": list(found.events),
        "enabled": found.enabled,
        "auto_paused": found.auto_paused,
        "consecutive_failures": found.consecutive_failures,
        "created_at": utc(found.created_at),
        "updated_at": utc(found.updated_at),
        "last_delivery_at": utc(found.last_delivery_at),
    }


def with_secret(found: webhooks.Webhook) -> dict[str, Any]:
    """For the two answers that show the secret."""
    shown = {"secret": found.secret, "signing_key": signatures.signing_key(found.secret)}
    return {**webhook(found), **shown}


def webhook_list(found: Sequence[webhooks.Webhook], most: int) -> dict[str, Any]:
    events = [event.value for event in WebhookEvent]
    return {"webhooks": [webhook(each) for each in found], "event_types": events, "max_per_user": most}


def delivery(found: webhooks.WebhookDelivery) -> dict[str, Any]:
    # What was never tried is on its way, not to be retried.
    retry = found.next_at if found.status is DeliveryStatus.FAILED else None
    return {
        "id": found.id,
        "webhook_id": found.webhook_id,
        "event_id": found.event_id,
        "event_type": found.event_type,
        "attempt_count": found.attempt_count,
        "status": found.status.value,
        "response_status": found.response_status,
        "response_body_preview": found.response_body_preview,
        "error_message": found.error_message,
        "next_retry_at": utc(retry),
        "created_at": utc(found.created_at),
        "delivered_at": utc(found.delivered_at),
    }
