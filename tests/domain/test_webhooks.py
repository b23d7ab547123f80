"""What an answer means, and how a body is signed."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from shared.domain.signatures import headers, signing_key
from shared.domain.webhooks import (
    MAX_ATTEMPTS,
    PAUSE_AFTER,
    Answer,
    Attempt,
    DeliveryStatus,
    Outcome,
    Webhook,
    WebhookEvent,
    envelope,
    judge,
    wait_seconds,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WEBHOOK = Webhook(
    id=1,
    user_id=2,
    name="flow",
    url="https://hooks.example/in",
    allow_http=False,
    events=("recording.created",),
    enabled=True,
    auto_paused=False,
    trial_at=None,
    consecutive_failures=0,
    secret="new-secret_of-43-characters-ABCDEFGHIJKLMNO",
    old_secret=None,
    old_secret_until=None,
    created_at=NOW,
    updated_at=NOW,
    last_delivery_at=None,
)
PAUSED = replace(WEBHOOK, enabled=False, auto_paused=True, trial_at=NOW, consecutive_failures=PAUSE_AFTER)
DISABLED = replace(WEBHOOK, enabled=False)
OK, BUSY, WRONG, GONE, SILENT = Answer(200), Answer(503), Answer(400), Answer(410), Answer(error="no answer")
REFUSED = Answer(error="The host is not public.", refused=True)


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ((200, 201, 202, 204, 299), Outcome.SUCCESS),
        ((408, 429, 500, 502, 503, 599, 101), Outcome.RETRY),
        ((300, 301, 302, 307, 400, 401, 403, 404, 405, 409, 413, 499), Outcome.REFUSED),
        ((410,), Outcome.GONE),
    ],
)
def test_an_answer_means(statuses: tuple[int, ...], outcome: Outcome) -> None:
    assert [Answer(status).outcome for status in statuses] == [outcome] * len(statuses)


def test_no_answer_is_tried_again_and_a_refused_address_is_not() -> None:
    assert (SILENT.outcome, REFUSED.outcome) == (Outcome.RETRY, Outcome.REFUSED)


def test_the_schedule_is_that_of_the_contract() -> None:
    assert [wait_seconds(attempts, None, 0) for attempts in range(7)] == [0, 30, 120, 600, 3600, 3600, 3600]


@given(st.integers(0, 50), st.none() | st.floats(0, 1e12), st.floats(0, 1))
def test_waits_are_never_shorter_than_the_schedule_and_never_longer_than_a_day(
    attempts: int, retry_after: float | None, chance: float
) -> None:
    least = max(wait_seconds(attempts, None, 0), min(retry_after or 0, 86400))
    assert least <= wait_seconds(attempts, retry_after, chance) <= min(least * 1.1 + 1e-6, 86400)


def test_a_failure_is_tried_again_at_its_time() -> None:
    found = judge(WEBHOOK, 1, BUSY, NOW, 0.5)
    assert (found.status, found.next_at) == (DeliveryStatus.FAILED, NOW + timedelta(seconds=31.5))
    assert found.webhook == replace(WEBHOOK, last_delivery_at=NOW)


@pytest.mark.parametrize(("attempts", "answer"), [(MAX_ATTEMPTS, BUSY), (MAX_ATTEMPTS + 1, SILENT), (1, WRONG)])
def test_what_failed_for_good_counts(attempts: int, answer: Answer) -> None:
    found = judge(WEBHOOK, attempts, answer, NOW, 0)
    assert (found.status, found.next_at) == (DeliveryStatus.PERMANENT_FAILURE, None)
    assert (found.webhook.consecutive_failures, found.webhook.enabled) == (1, True)


def test_a_success_forgets_the_failures() -> None:
    found = judge(replace(WEBHOOK, consecutive_failures=9), 3, OK, NOW, 0)
    assert (found.status, found.webhook.consecutive_failures) == (DeliveryStatus.SUCCESS, 0)


def test_the_tenth_failure_pauses_and_keeps_the_delivery_for_the_trial() -> None:
    found = judge(replace(WEBHOOK, consecutive_failures=PAUSE_AFTER - 1), MAX_ATTEMPTS, BUSY, NOW, 1)
    assert (found.status, found.next_at) == (DeliveryStatus.FAILED, NOW + timedelta(hours=1))
    paused = found.webhook
    assert (paused.enabled, paused.auto_paused, paused.trial_at) == (False, True, found.next_at)


@pytest.mark.parametrize("answer", [BUSY, WRONG, SILENT, REFUSED])
def test_a_trial_that_fails_is_followed_by_another(answer: Answer) -> None:
    found = judge(PAUSED, 17, answer, NOW, 0)
    assert (found.status, found.next_at) == (DeliveryStatus.FAILED, NOW + timedelta(hours=1))
    assert found.webhook.auto_paused
    assert found.webhook.trial_at == found.next_at


def test_a_trial_waits_as_long_as_the_receiver_says() -> None:
    found = judge(PAUSED, 6, Answer(503, retry_after=7200), NOW, 0)
    assert found.next_at == NOW + timedelta(hours=2)


def test_a_trial_that_succeeds_ends_the_pause() -> None:
    found = judge(PAUSED, 6, OK, NOW, 0).webhook
    assert (found.enabled, found.auto_paused, found.trial_at, found.consecutive_failures) == (True, False, None, 0)


@pytest.mark.parametrize("before", [WEBHOOK, PAUSED, DISABLED])
def test_a_receiver_that_is_gone_is_left_alone(before: Webhook) -> None:
    found = judge(before, 1, GONE, NOW, 0)
    assert found.status is DeliveryStatus.PERMANENT_FAILURE
    assert (found.webhook.enabled, found.webhook.auto_paused) == (False, False)


def test_a_webhook_that_was_disabled_meanwhile_stays_so() -> None:
    assert not judge(DISABLED, 1, OK, NOW, 0).webhook.enabled
    failed = judge(replace(DISABLED, consecutive_failures=PAUSE_AFTER), 1, BUSY, NOW, 0)
    assert (failed.status, failed.webhook.auto_paused) == (DeliveryStatus.PERMANENT_FAILURE, False)


def test_what_is_kept_of_an_answer_is_short_and_storable() -> None:
    answer = Answer(500, body="a\x00" * 5000, error="b\x00" * 500)
    assert answer.preview == "a\ufffd" * 1000
    assert answer.reason is not None and len(answer.reason) == 500 and "\x00" not in answer.reason
    assert Answer(404, body="").reason == "The receiver answered 404."
    assert (OK.reason, OK.preview) == (None, None)


def attempt(webhook: Webhook = WEBHOOK, payload: str = '{"id":"x"}') -> Attempt:
    event_id = UUID("550e8400-e29b-41d4-a716-446655440000")
    return Attempt(7, webhook, event_id, "recording.created", payload, 3)


def test_the_headers_are_those_of_the_contract() -> None:
    body = attempt().payload.encode()
    found = headers(attempt(), body, NOW + timedelta(microseconds=250))
    mac = hmac.new(WEBHOOK.secret.encode(), body, hashlib.sha256).hexdigest()
    assert found["Speakr-Signature"] == f"sha256={mac}"
    timed = hmac.new(WEBHOOK.secret.encode(), b"1772442000." + body, hashlib.sha256).hexdigest()
    assert found["Speakr-Signature-V2"] == f"t=1772442000,v1={timed}"
    assert found["Speakr-Timestamp"] == "2026-03-02T09:00:00.000250Z"
    assert found["Speakr-Delivery-Id"] == found["webhook-id"] == str(attempt().event_id)
    assert (found["Speakr-Event"], found["Speakr-Attempt"]) == ("recording.created", "3")
    assert (found["Content-Type"], found["User-Agent"]) == ("application/json", "Speakr-Webhook/1.0 (Hansard)")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_a_verifier_off_the_shelf_is_content(title: str) -> None:
    payload = envelope(attempt().event_id, WebhookEvent.CREATED, NOW, 2, {"title": title})
    now = datetime.now(UTC)
    found = headers(attempt(payload=payload), payload.encode(), now)
    verifier = Verifier(signing_key(WEBHOOK.secret))
    assert verifier.verify(payload.encode(), found)["data"] == {"title": title}
    with pytest.raises(WebhookVerificationError):
        verifier.verify(payload.encode() + b" ", found)
    with pytest.raises(WebhookVerificationError):
        Verifier(signing_key("another")).verify(payload.encode(), found)


def test_both_secrets_sign_while_the_old_one_is_in_its_grace() -> None:
    now = datetime.now(UTC)
    rotated = replace(WEBHOOK, old_secret="old-secret", old_secret_until=now + timedelta(seconds=1))
    body = attempt().payload.encode()
    within, after = (headers(attempt(rotated), body, moment) for moment in (now, now + timedelta(seconds=1)))
    for secret in (rotated.secret, "old-secret"):
        Verifier(signing_key(secret)).verify(body, within)
    with pytest.raises(WebhookVerificationError):
        Verifier(signing_key("old-secret")).verify(body, after)
    assert within["Speakr-Signature-V2"].count(",v1=") == 2
    assert after["Speakr-Signature-V2"].count(",v1=") == 1
    assert within["Speakr-Signature"] == after["Speakr-Signature"], "one value, of the newest secret"


def test_the_signing_key_is_the_secret_for_those_who_decode_it() -> None:
    assert base64.b64decode(signing_key("abc").removeprefix("whsec_")) == b"abc"


def test_an_envelope_is_compact_and_leaves_out_what_is_not_known() -> None:
    event_id, before = UUID(int=1), UUID(int=2)
    said = envelope(event_id, "webhook.test", NOW, 3, {"title": "Grüße", "size": None}, replayed_from=before)
    assert said == (
        f'{{"id":"{event_id}","type":"webhook.test","timestamp":"2026-03-02T09:00:00Z","user_id":3,'
        f'"data":{{"title":"Grüße"}},"replayed_from":"{before}"}}'
    )
    assert "replayed_from" not in json.loads(envelope(event_id, "webhook.test", NOW, 3, {}))


def test_secrets_do_not_show_in_what_is_printed() -> None:
    rotated = replace(WEBHOOK, old_secret="old-secret")
    assert rotated.secret not in repr(attempt(rotated)) and "old-secret" not in repr(attempt(rotated))
    assert "payload" not in repr(attempt(rotated))
