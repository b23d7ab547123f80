"""Sending webhooks: claimed, called, settled, whatever happens in between."""

import json
import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from shared.db import deliveries as rows
from shared.domain.errors import Invalid, Unavailable
from shared.domain.policy import Policy
from shared.domain.webhooks import Answer, WebhookEvent
from shared.ports import Response
from shared.services import deliveries, outbox, webhooks
from shared.services.sweep import sweep
from shared.services.webhooks import WebhookChange
from tests.support.hooks import happen, history, hook, pause, send_due, state, statuses
from tests.support.world import World


def test_what_happened_is_sent_at_once_to_whom_it_concerns(world: World) -> None:
    webhook, other = hook(world), hook(world, "other", events=["recording.deleted"])
    happen(world)
    assert world.webhook_kicks.kicked == [webhook.id]
    assert send_due(world) == 1
    ((url, headers, body),) = world.sender.sent
    assert (url, json.loads(body)["id"]) == ("https://flow.example/", headers["Speakr-Delivery-Id"])
    (delivery,) = history(world, webhook)
    assert (delivery.status, delivery.attempt_count, delivery.response_status) == ("success", 1, 200)
    assert (delivery.response_body_preview, delivery.error_message, delivery.next_at) == ("ok", None, None)
    assert delivery.delivered_at == state(world, webhook).last_delivery_at == world.clock.time
    assert history(world, other) == []


def test_a_change_that_is_undone_tells_nobody(world: World) -> None:
    hook(world)
    with pytest.raises(ZeroDivisionError), world.db.begin() as tx:
        outbox.announce(world.core, tx, world.ann.user_id, WebhookEvent.UPDATED, {"recording_id": 1})
        raise ZeroDivisionError
    assert (world.webhook_kicks.kicked, world.count("webhook_deliveries")) == ([], 0)


def test_failures_are_repeated_by_the_schedule_and_then_given_up(world: World) -> None:
    webhook = hook(world)
    happen(world)
    world.sender.answers = [Response(502, "bad")] * 5
    for wait in (0, 30, 120, 600, 3600):
        assert send_due(world) == (wait == 0)
        world.clock.pass_by(max(wait - 1, 0))
        assert send_due(world) == 0, "not before its time"
        world.clock.pass_by(1 + wait * 0.11)
        send_due(world)
    (delivery,) = history(world, webhook)
    assert (delivery.status, delivery.attempt_count, delivery.response_status) == ("permanent_failure", 5, 502)
    assert (delivery.response_body_preview, delivery.error_message) == ("bad", "The receiver answered 502.")
    assert [headers["Speakr-Attempt"] for _, headers, _ in world.sender.sent] == list("12345")
    assert len({(headers["webhook-id"], body) for _, headers, body in world.sender.sent}) == 1
    assert len({headers["Speakr-Timestamp"] for _, headers, _ in world.sender.sent}) == 5
    assert state(world, webhook).consecutive_failures == 1


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (Unavailable("No answer from flow.example."), "failed", "No answer from flow.example."),
        (Invalid("The host is not public."), "permanent_failure", "The host is not public."),
        (Response(301, ""), "permanent_failure", "The receiver answered 301."),
    ],
)
def test_what_comes_of_an_attempt_is_kept(world: World, answer: Any, status: str, error: str) -> None:
    webhook = hook(world)
    happen(world)
    world.sender.answers = [answer]
    send_due(world)
    (delivery,) = history(world, webhook)
    assert (delivery.status, delivery.error_message) == (status, error)


def test_retry_after_is_heeded(world: World) -> None:
    webhook = hook(world)
    happen(world)
    world.sender.answers = [Response(429, "", retry_after=500)]
    send_due(world)
    (delivery,) = history(world, webhook)
    assert delivery.next_at is not None
    assert 500 <= (delivery.next_at - world.clock.time).total_seconds() <= 550


def test_a_sender_that_dies_is_followed_by_another(world: World) -> None:
    webhook = hook(world)
    happen(world)
    (dead,) = deliveries.claim(world.core, limit=9)
    world.clock.pass_by(29)
    assert deliveries.claim(world.core, limit=9) == [], "never two at once"
    world.clock.pass_by(1)
    (other,) = deliveries.claim(world.core, limit=9)
    assert (other.number, other.delivery_id) == (2, dead.delivery_id)
    deliveries.settle(world.core, dead, Answer(400))
    assert statuses(world, webhook) == {"pending": 1}, "it comes too late to say anything"
    deliveries.settle(world.core, other, Answer(200))
    assert statuses(world, webhook) == {"success": 1}


def test_a_sender_that_dies_at_the_last_attempt_is_followed_all_the_same(world: World) -> None:
    webhook = hook(world)
    happen(world)
    for _ in range(6):
        assert len(deliveries.claim(world.core, limit=9)) == 1
        world.clock.pass_by(30)
    assert send_due(world) == 1
    assert statuses(world, webhook) == {"success": 1}


def test_at_most_four_are_sent_to_a_webhook_at_once(world: World) -> None:
    hook(world)
    happen(world, 10)
    first = deliveries.claim(world.core, limit=100)
    assert len(first) == 4
    assert deliveries.claim(world.core, limit=100) == []
    deliveries.settle(world.core, first[0], Answer(200))
    assert len(deliveries.claim(world.core, limit=100)) == 1


def test_claims_at_once_never_take_the_same_and_never_too_many(world: World) -> None:
    hooks = [hook(world, f"h{number}") for number in range(5)]
    happen(world, 12)
    barrier = Barrier(6)

    def claim(_: int) -> list[Any]:
        barrier.wait(10)
        return [each for _ in range(5) for each in deliveries.claim(world.core, limit=3)]

    with ThreadPoolExecutor(6) as pool:
        taken = [each for found in pool.map(claim, range(6)) for each in found]
    # Whoever met a lock went away; nobody is in the way now.
    taken += deliveries.claim(world.core, limit=100)
    assert len({each.delivery_id for each in taken}) == len(taken) == 6
    assert max(Counter(each.webhook.id for each in taken).values()) <= 4
    assert {each.webhook.id for each in taken} <= {each.id for each in hooks}


def test_claims_for_one_webhook_wait_for_each_other(world: World) -> None:
    webhook = hook(world)
    happen(world, 12)
    barrier = Barrier(5)

    def claim(_: int) -> int:
        barrier.wait(10)
        return len(deliveries.claim(world.core, limit=4, webhook_id=webhook.id))

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(claim, range(5))) == [0, 0, 0, 0, 4]


def test_webhooks_take_turns(world: World) -> None:
    """Ten rows of one that were there first do not keep the others waiting."""
    first = hook(world, "first")
    happen(world, 10)
    others = [hook(world, f"h{number}") for number in range(3)]
    happen(world)
    taken = deliveries.claim(world.core, limit=4)
    assert {each.webhook.id for each in taken} == {first.id, *(each.id for each in others)}
    assert {each.webhook.id for each in deliveries.claim(world.core, limit=1)} == {first.id}


def test_of_one_webhook_the_oldest_go_first(world: World) -> None:
    webhook = hook(world)
    for _ in range(6):
        happen(world)
        world.clock.pass_by(1)
    ids = [each.id for each in history(world, webhook)]
    assert [each.delivery_id for each in deliveries.claim(world.core, limit=9)] == ids[:4]


def test_a_receiver_that_is_gone_gets_nothing_more(world: World) -> None:
    webhook = hook(world)
    happen(world, 6)
    world.sender.answers = [Response(410, "")]
    assert send_due(world) == 4, "three were on their way already"
    after = state(world, webhook)
    assert (after.enabled, after.auto_paused) == (False, False)
    assert statuses(world, webhook) == {"success": 3, "permanent_failure": 3}
    happen(world)
    assert len(history(world, webhook)) == 6


def test_what_a_disabled_webhook_still_has_is_given_up_unsent(world: World) -> None:
    """Rows that came in while it was being disabled, and replays."""
    webhook = hook(world)
    happen(world)
    send_due(world)
    webhooks.change(world.core, world.ann, webhook.id, WebhookChange(enabled=False))
    again = webhooks.replay(world.core, world.ann, webhook.id, history(world, webhook)[0].id)
    assert again.status == "pending"
    assert send_due(world) == 0
    sweep(world.core)
    ended = history(world, webhook)[-1]
    assert (ended.status, ended.attempt_count) == ("permanent_failure", 0)
    assert ended.error_message == "The webhook is disabled."
    assert len(world.sender.sent) == 1


def test_an_attempt_that_fails_after_its_webhook_was_disabled_is_the_last(world: World) -> None:
    webhook = hook(world)
    happen(world)
    (attempt,) = deliveries.claim(world.core, limit=9)
    webhooks.change(world.core, world.ann, webhook.id, WebhookChange(enabled=False))
    deliveries.settle(world.core, attempt, Answer(503))
    assert statuses(world, webhook) == {"permanent_failure": 1}


def test_an_attempt_at_a_webhook_that_is_deleted_meanwhile_is_nothing(world: World) -> None:
    webhook = hook(world)
    happen(world)
    (attempt,) = deliveries.claim(world.core, limit=9)
    webhooks.delete(world.core, world.ann, webhook.id)
    deliveries.send(world.core, attempt)
    assert world.count("webhook_deliveries") == 0


def test_a_new_secret_counts_for_what_is_queued_already(world: World) -> None:
    webhook = hook(world)
    happen(world)
    webhooks.rotate_secret(world.core, world.ann, webhook.id)
    send_due(world)
    _, headers, _ = world.sender.sent[0]
    assert len(headers["webhook-signature"].split()) == 2


def test_the_sweep_kicks_what_a_lost_kick_left(world: World) -> None:
    webhook, quiet = hook(world), hook(world, "quiet", events=["recording.deleted"])
    happen(world)
    world.webhook_kicks.kicked.clear()
    sweep(world.core)
    assert world.webhook_kicks.kicked == [webhook.id]
    world.webhook_kicks.kicked.clear()
    send_due(world)
    sweep(world.core)
    assert world.webhook_kicks.kicked == []
    assert history(world, quiet) == []


def test_old_deliveries_are_forgotten_also_those_that_still_wait(world: World) -> None:
    world = World(world.db, policy=Policy(webhook_retention=timedelta(days=2)))
    webhook = hook(world)
    pause(world, webhook)
    world.clock.pass_by(timedelta(days=1).total_seconds())
    sweep(world.core)
    assert statuses(world, webhook) == {"permanent_failure": 9, "failed": 1}
    world.clock.pass_by(timedelta(days=1, minutes=1).total_seconds())
    with world.db.begin() as tx:
        tx.exec_driver_sql(
            "UPDATE webhook_deliveries SET created_at = created_at + interval '1 day' WHERE mod(id, 2) = 1"
        )
    sweep(world.core)
    assert [each.id % 2 for each in history(world, webhook)] == [1] * 5, "also the one that waited for a trial"


def test_a_round_for_one_webhook_sends_all_that_is_due(world: World) -> None:
    webhook, other = hook(world), hook(world, "other")
    happen(world, 10)
    deliveries.deliver(world.core, webhook.id, seconds=20)
    assert (statuses(world, webhook), statuses(world, other)) == ({"success": 10}, {"pending": 10})


def test_a_round_ends_when_a_receiver_does_not_answer(world: World) -> None:
    webhook = hook(world)
    happen(world, 10)
    world.sender.answers = [Unavailable("No answer.")]
    deliveries.deliver(world.core, webhook.id, seconds=20)
    assert statuses(world, webhook) == {"failed": 1, "success": 3, "pending": 6}


def test_a_round_that_takes_too_long_goes_on_in_another(world: World) -> None:
    webhook = hook(world)
    happen(world, 10)
    world.webhook_kicks.kicked.clear()
    deliveries.deliver(world.core, webhook.id, seconds=0)
    assert statuses(world, webhook) == {"success": 4, "pending": 6}
    assert world.webhook_kicks.kicked == [webhook.id]


def test_a_backlog_costs_no_more_to_claim_from(world: World) -> None:
    """The plan walks the index of what waits, and does not read all of it."""
    hook(world)
    happen(world, 3000)
    _analyze(world)
    with world.db.begin() as tx:
        before = _fetched(tx)
        assert len(rows.claim(tx, world.clock.time, world.clock.time, limit=4)) == 4
        assert _fetched(tx) - before < 300


def _analyze(world: World) -> None:
    with world.db.begin() as tx:
        tx.exec_driver_sql("ANALYZE webhook_deliveries")


def _fetched(tx: Any) -> int:
    """Rows of deliveries that this transaction has read."""
    query = "SELECT pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid) FROM pg_class c"
    return tx.exec_driver_sql(f"{query} WHERE relname = 'webhook_deliveries'").scalar_one()


def test_logs_tell_no_secrets_bodies_or_addresses(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="hansard")
    webhook = hook(world, url="https://flow.example/path?key=word")
    happen(world)
    world.sender.answers = [Response(500, "private answer")]
    send_due(world)
    pause(world, webhook)
    assert "500, failed" in caplog.text and "is paused" in caplog.text
    for private in (webhook.secret, "private answer", "/path", "word", "Talk"):
        assert private not in caplog.text
