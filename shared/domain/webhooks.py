"""Webhooks: what happens to recordings, as the world outside may hear of it, and what follows from its answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

NAME_LENGTH = 100
#: How long the secret before the last rotation goes on signing.
GRACE = timedelta(hours=24)
MAX_ATTEMPTS = 5
#: Deliveries that failed for good, in a row, after which a webhook is paused.
PAUSE_AFTER = 10
#: How long a paused webhook waits for its next trial.
TRIAL_INTERVAL = timedelta(hours=1)
#: Attempts at one webhook at the same time.
PER_WEBHOOK = 4
#: Whoever sends has this long, which is longer than an attempt may take; then others may send the same row.
LEASE = timedelta(seconds=30)

#: Seconds to wait before each attempt.
_SCHEDULE = (0, 30, 120, 600, 3600)
_LONGEST_WAIT = 24 * 3600.0
#: Waits are up to a tenth longer than the schedule says, so that what failed together does not come back together.
_JITTER = 0.1
_PREVIEW_LENGTH = 2000
_ERROR_LENGTH = 500


class WebhookEvent(StrEnum):
    """What a webhook may subscribe to, in the order in which lists show it."""

    CREATED = "recording.created"
    TRANSCRIPTION_STARTED = "recording.transcription.started"
    TRANSCRIPTION_COMPLETED = "recording.transcription.completed"
    TRANSCRIPTION_FAILED = "recording.transcription.failed"
    SUMMARY_COMPLETED = "recording.summary.completed"
    SUMMARY_FAILED = "recording.summary.failed"
    EVENTS_EXTRACTED = "recording.events.extracted"
    UPDATED = "recording.updated"
    DELETED = "recording.deleted"
    TEST = "webhook.test"


def envelope(
    event_id: UUID,
    event: str,
    at: datetime,
    user_id: int,
    data: Mapping[str, Any],
    *,
    replayed_from: UUID | None = None,
) -> str:
    """The body of a delivery, as it is signed and sent: compact JSON, keys in this order, non-ASCII as it is."""
    said: dict[str, Any] = {
        "id": str(event_id),
        "type": event,
        "timestamp": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "user_id": user_id,
        "data": {key: value for key, value in data.items() if value is not None},
    }
    if replayed_from is not None:
        said["replayed_from"] = str(replayed_from)
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


class DeliveryStatus(StrEnum):
    """`FAILED` is tried again; `PERMANENT_FAILURE` is not."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILED = "failed"
    PERMANENT_FAILURE = "permanent_failure"


@dataclass(frozen=True, slots=True)
class Webhook:
    """`enabled` and `auto_paused` are never both true; one that is neither was disabled by its user.

    Until `old_secret_until` the secret before this one signs as well.
    """

    id: int
    user_id: int
    name: str
    url: str
    allow_http: bool
    events: tuple[str, ...]
    enabled: bool
    auto_paused: bool
    trial_at: datetime | None
    consecutive_failures: int
    secret: str = field(repr=False)
    old_secret: str | None = field(repr=False)
    old_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime
    last_delivery_at: datetime | None

    def secrets(self, now: datetime) -> tuple[str, ...]:
        """Those that sign, the newest first."""
        if self.old_secret is not None and self.old_secret_until is not None and now < self.old_secret_until:
            return self.secret, self.old_secret
        return (self.secret,)


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """One event on its way to one webhook. `next_at` is None when it has ended."""

    id: int
    webhook_id: int
    event_id: UUID
    event_type: str
    status: DeliveryStatus
    attempt_count: int
    next_at: datetime | None
    response_status: int | None
    response_body_preview: str | None
    error_message: str | None
    created_at: datetime
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody has claimed to send now. `number` counts from 1 and tells this claim from later ones."""

    delivery_id: int
    webhook: Webhook
    event_id: UUID
    event_type: str
    payload: str = field(repr=False)
    number: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt. Without a `status` nobody answered, or (`refused`) nobody was called."""

    status: int | None = None
    body: str | None = None
    error: str | None = None
    retry_after: float | None = None
    refused: bool = False

    @property
    def preview(self) -> str | None:
        return None if self.body is None else self.body.replace("\x00", "\ufffd")[:_PREVIEW_LENGTH]

    @property
    def reason(self) -> str | None:
        """Why it is no success, in a sentence."""
        if self.error is not None:
            return self.error.replace("\x00", "\ufffd")[:_ERROR_LENGTH]
        return None if self.outcome is Outcome.SUCCESS else f"The receiver answered {self.status}."

    @property
    def outcome(self) -> "Outcome":
        if self.status is None:
            return Outcome.REFUSED if self.refused else Outcome.RETRY
        if 200 <= self.status < 300:
            return Outcome.SUCCESS
        if self.status == 410:
            return Outcome.GONE
        return Outcome.RETRY if self.status in (408, 429) or not 200 <= self.status < 500 else Outcome.REFUSED


class Outcome(Enum):
    """What an answer means: done, once more later, never again, or never anything again."""

    SUCCESS = 1
    RETRY = 2
    REFUSED = 3
    GONE = 4


def wait_seconds(attempts: int, retry_after: float | None, chance: float) -> float:
    """How long to wait after so many attempts; `chance` in 0..1 spreads the waits. At most a day."""
    scheduled = _SCHEDULE[min(attempts, len(_SCHEDULE) - 1)]
    wanted = max(scheduled, min(retry_after or 0.0, _LONGEST_WAIT))
    return min(wanted * (1 + _JITTER * chance), _LONGEST_WAIT)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt changes: its delivery, and its webhook."""

    status: DeliveryStatus
    next_at: datetime | None
    webhook: Webhook


def judge(webhook: Webhook, attempts: int, answer: Answer, now: datetime, chance: float) -> Verdict:
    """What follows from the answer to attempt number `attempts`, for the webhook as it is now."""
    touched = replace(webhook, last_delivery_at=now)
    outcome = answer.outcome
    if outcome is Outcome.SUCCESS:
        return Verdict(DeliveryStatus.SUCCESS, None, _heard(touched))
    if outcome is Outcome.GONE:
        off = replace(touched, enabled=False, auto_paused=False, trial_at=None)
        return Verdict(DeliveryStatus.PERMANENT_FAILURE, None, off)
    if webhook.auto_paused:
        return _paused(touched, answer, now)
    if webhook.enabled and outcome is Outcome.RETRY and attempts < MAX_ATTEMPTS:
        wait = timedelta(seconds=wait_seconds(attempts, answer.retry_after, chance))
        return Verdict(DeliveryStatus.FAILED, now + wait, touched)
    failed = replace(touched, consecutive_failures=touched.consecutive_failures + 1)
    if webhook.enabled and failed.consecutive_failures >= PAUSE_AFTER:
        return _paused(failed, answer, now)
    return Verdict(DeliveryStatus.PERMANENT_FAILURE, None, failed)


def _heard(webhook: Webhook) -> Webhook:
    """A paused webhook is back; one that its user has disabled stays so."""
    enabled = webhook.enabled or webhook.auto_paused
    return replace(webhook, enabled=enabled, auto_paused=False, trial_at=None, consecutive_failures=0)


def _paused(webhook: Webhook, answer: Answer, now: datetime) -> Verdict:
    """Everything waits for the next trial, also what would have failed for good: a trial needs something to send."""
    wait = max(TRIAL_INTERVAL, timedelta(seconds=wait_seconds(0, answer.retry_after, 0)))
    paused = replace(webhook, enabled=False, auto_paused=True, trial_at=now + wait)
    return Verdict(DeliveryStatus.FAILED, now + wait, paused)
