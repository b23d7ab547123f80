"""How much of the room for webhooks a user gets, and what it costs to find out who is next."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import Connection

from shared.db import deliveries as rows
from shared.domain.accounts import Caller
from shared.domain.webhooks import Answer, Attempt, Webhook, WebhookEvent
from shared.services import deliveries, outbox, webhooks
from shared.services.sweep import sweep
from shared.services.webhooks import WebhookChange
from tests.support.hooks import happen, history, hook, pause, state, statuses
from tests.support.world import World


def hook_of(world: World, caller: Caller) -> Webhook:
    asked = WebhookChange(name="flow", url="https://flow.example/", events=["recording.updated"])
    return webhooks.create(world.core, caller, asked)


def happen_to(world: World, caller: Caller) -> None:
    with world.db.begin() as tx:
        outbox.announce(world.core, tx, caller.user_id, WebhookEvent.UPDATED, {"recording_id": 1})


def ten(world: World, events: int = 4) -> list[int]:
    """Ten webhooks of Ann, each with so much to send."""
    ids = [hook(world, f"h{number}").id for number in range(10)]
    happen(world, events)
    return ids


def end(world: World, attempts: list[Attempt]) -> None:
    for attempt in attempts:
        deliveries.settle(world.core, attempt, Answer(200))


def test_ten_slow_webhooks_of_a_user_leave_room_for_others(world: World) -> None:
    ten(world)
    taken = list(deliveries.claim(world.core, limit=64))
    assert len(taken) == len({each.webhook.id for each in taken}) == 8
    bob = world.user("bob")
    other = hook_of(world, bob)
    happen_to(world, bob)
    assert [each.webhook.id for each in deliveries.claim(world.core, limit=64 - 8)] == [other.id]


def test_two_webhooks_that_hang_leave_room_for_others_of_their_user(world: World) -> None:
    for name in ("one", "two"):
        hook(world, name)
    happen(world, 9)
    assert len(deliveries.claim(world.core, limit=64)) == 6
    assert deliveries.claim(world.core, limit=64) == []
    other = hook(world, "other")
    happen(world, 3)
    for _ in range(3):
        (taken,) = deliveries.claim(world.core, limit=64)
        assert taken.webhook.id == other.id
        end(world, [taken])


def test_the_rest_of_the_user_comes_as_slots_free(world: World) -> None:
    ids = ten(world)
    taken = list(deliveries.claim(world.core, limit=64))
    end(world, taken[:3])
    more = list(deliveries.claim(world.core, limit=64))
    assert len(more) == 3
    assert deliveries.claim(world.core, limit=64) == []
    waiting = taken[3:] + more
    done = taken[:3]
    while waiting:
        end(world, waiting)
        done += waiting
        waiting = list(deliveries.claim(world.core, limit=64))
        assert len(waiting) <= 8
    assert Counter(each.webhook.id for each in done) == dict.fromkeys(ids, 4)


def test_users_at_their_limit_do_not_hide_the_others(world: World) -> None:
    """More webhooks than a claim looks at have waited longer, of users who may send no more."""
    for number in range(11):
        world.ann = world.user(f"busy{number}")
        ten(world, 2)
    while deliveries.claim(world.core, limit=64):
        pass
    world.clock.pass_by(1)
    bob = world.user("bob")
    other = hook_of(world, bob)
    happen_to(world, bob)
    assert [each.webhook.id for each in deliveries.claim(world.core, limit=64)] == [other.id]


def test_claims_for_webhooks_of_a_user_at_once_take_no_more_than_eight(world: World) -> None:
    ids = ten(world)
    barrier = Barrier(10)

    def claim(webhook_id: int) -> int:
        barrier.wait(10)
        return len(deliveries.claim(world.core, limit=4, webhook_id=webhook_id))

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(claim, ids)) == [0] * 6 + [1, 1, 2, 4]


def test_a_round_kicks_a_webhook_of_the_user_that_had_no_room(world: World) -> None:
    ids = ten(world, 1)
    held = [each for number in ids[:7] for each in deliveries.claim(world.core, limit=4, webhook_id=number)]
    world.webhook_kicks.kicked.clear()
    deliveries.deliver(world.core, ids[7], seconds=20)
    assert world.webhook_kicks.kicked == [ids[8]]
    deliveries.deliver(world.core, ids[8], seconds=20)
    assert world.webhook_kicks.kicked == [ids[8], ids[9]]
    deliveries.deliver(world.core, ids[9], seconds=20)
    deliveries.deliver(world.core, ids[0], seconds=20)
    assert (len(held), world.webhook_kicks.kicked) == (7, [ids[8], ids[9]]), "nobody else waits"


def lose(world: World, times: int) -> None:
    """Whoever sends dies so often."""
    for _ in range(times):
        assert len(deliveries.claim(world.core, limit=9)) == 1
        world.clock.pass_by(30)


def test_what_its_senders_always_die_of_is_given_up(world: World) -> None:
    webhook = hook(world)
    happen(world)
    lose(world, 20)
    sweep(world.core)
    assert statuses(world, webhook) == {"pending": 1}, "it may be no fault of its own"
    deliveries.claim(world.core, limit=9)
    world.clock.pass_by(29)
    sweep(world.core)
    assert statuses(world, webhook) == {"pending": 1}, "it is being sent"
    world.clock.pass_by(1)
    sweep(world.core)
    (delivery,) = history(world, webhook)
    assert (delivery.status, delivery.attempt_count, delivery.next_at) == ("permanent_failure", 21, None)
    assert delivery.error_message is not None and "again and again" in delivery.error_message
    assert deliveries.claim(world.core, limit=9) == []


def test_a_paused_webhook_goes_on_being_tried_however_often_its_senders_die(world: World) -> None:
    webhook = hook(world)
    pause(world, webhook)
    world.clock.pass_by(3600)
    lose(world, 30)
    sweep(world.core)
    assert statuses(world, webhook) == {"permanent_failure": 9, "failed": 1}
    assert state(world, webhook).auto_paused


def test_webhooks_without_anything_to_send_cost_a_claim_nothing(world: World) -> None:
    """Those that have something are found without reading the others."""
    hook(world)
    happen(world)
    bob = world.user("bob")
    world.rows(f"""
        INSERT INTO webhooks (user_id, name, url, allow_http, events, enabled, secret)
        SELECT {bob.user_id}, name, url, allow_http, events, enabled, secret FROM webhooks, generate_series(1, 20000)
        RETURNING id
    """)
    with world.db.begin() as tx:
        tx.exec_driver_sql("ANALYZE webhooks, webhook_deliveries")
    with world.db.begin() as tx:
        before = _read(tx)
        assert len(rows.claim(tx, world.clock.time, world.clock.time, limit=4)) == 1
        assert _read(tx) - before < 100


def _read(tx: Connection) -> int:
    """Rows of webhooks that this transaction has read."""
    query = "SELECT pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid) FROM pg_class c"
    return tx.exec_driver_sql(f"{query} WHERE relname = 'webhooks'").scalar_one()
