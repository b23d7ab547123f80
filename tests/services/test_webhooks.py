"""Webhooks as their users see them."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from shared.db import webhooks as rows
from shared.domain.accounts import Caller, Scope
from shared.domain.errors import Conflict, Forbidden, Invalid, NotFound
from shared.domain.policy import Policy
from shared.domain.webhooks import Webhook, WebhookEvent
from shared.services import deliveries, recordings, webhooks
from shared.services.core import Core
from shared.services.webhooks import WebhookChange
from tests.support.world import World


def made(world: World, caller: Caller | None = None, **asked: Any) -> Webhook:
    values = {"name": "flow", "url": "https://hooks.example/in", "events": ["recording.deleted"], **asked}
    return webhooks.create(world.core, caller or world.ann, WebhookChange(**values))


def change(world: World, webhook: Webhook, **asked: Any) -> Webhook:
    return webhooks.change(world.core, world.ann, webhook.id, WebhookChange(**asked))


def test_a_webhook_has_a_secret_of_43_characters_and_each_its_own(world: World) -> None:
    first, second = made(world), made(world)
    assert len(first.secret) == len(second.secret) == 43
    assert first.secret != second.secret


def test_names_are_trimmed_and_cut_and_events_come_once_in_their_order(world: World) -> None:
    webhook = made(world, name=f"  {'n' * 120} ", events=["webhook.test", "recording.created", "webhook.test"])
    assert (webhook.name, webhook.events) == ("n" * 100, ("webhook.test", "recording.created"))
    assert webhooks.get(world.core, world.ann, webhook.id) == webhook


@pytest.mark.parametrize(
    ("asked", "about"),
    [
        ({"name": " ", "url": "", "events": []}, "name"),
        ({"url": " ", "events": ["x"]}, "url"),
        ({"events": []}, "at least one event"),
        ({"events": ["recording.created", "x"]}, "unknown event"),
        ({"name": "a\x00"}, "NUL"),
        ({"name": "a\ud800"}, "surrogates"),
    ],
)
def test_what_is_missing_is_told_in_the_order_of_the_checks(world: World, asked: dict[str, Any], about: str) -> None:
    world.sender.refused = "The address is refused."
    with pytest.raises(Invalid, match=about):
        made(world, **asked)
    assert world.count("webhooks") == 0


def test_an_unknown_event_is_told_with_those_that_are_known_where_a_webhook_is_made(world: World) -> None:
    webhook = made(world)
    with pytest.raises(Invalid) as new:
        made(world, events=["x"])
    assert new.value.details == {"allowed": [event.value for event in WebhookEvent]}
    with pytest.raises(Invalid) as changed:
        change(world, webhook, events=["x"])
    assert changed.value.details == {}


def test_an_address_that_is_refused_is_refused_before_the_cap(world: World) -> None:
    for _ in range(10):
        made(world)
    world.sender.refused = "The address is refused."
    with pytest.raises(Invalid, match="refused"):
        made(world)
    world.sender.refused = None
    with pytest.raises(Conflict) as full:
        made(world)
    assert full.value.details == {"max_per_user": 10}
    made(world, world.user("bob"))


def test_webhooks_made_at_once_do_not_pass_the_cap(world: World) -> None:
    barrier = Barrier(8)

    def make(_: int) -> bool:
        barrier.wait(10)
        try:
            made(world)
        except Conflict:
            return False
        return True

    for _ in range(6):
        made(world)
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(make, range(8))) == 4
    assert world.count("webhooks") == 10


def test_webhooks_are_listed_newest_first_to_their_owner_only(world: World) -> None:
    mine = [made(world), made(world)]
    made(world, world.user("bob"))
    assert webhooks.page(world.core, world.ann) == mine[::-1]


def test_nothing_of_others_is_there(world: World) -> None:
    bob, webhook = world.user("bob"), made(world)
    delivery = webhooks.test(world.core, world.ann, webhook.id)
    core, number = world.core, webhook.id
    own = made(world, bob)
    for act in (
        lambda: webhooks.get(core, bob, number),
        lambda: webhooks.change(core, bob, number, WebhookChange(name="x")),
        lambda: webhooks.delete(core, bob, number),
        lambda: webhooks.rotate_secret(core, bob, number),
        lambda: webhooks.test(core, bob, number),
        lambda: webhooks.latest_deliveries(core, bob, number, 50),
        lambda: webhooks.delivery(core, bob, number, delivery.id),
        lambda: webhooks.replay(core, bob, number, delivery.id),
        lambda: webhooks.delivery(core, bob, own.id, delivery.id),
        lambda: webhooks.replay(core, bob, own.id, delivery.id),
    ):
        with pytest.raises(NotFound):
            act()
    assert webhooks.get(core, world.ann, number) == webhook


def test_a_token_without_the_scope_does_nothing(world: World) -> None:
    caller = Caller(world.ann.user_id, "ann", is_admin=False, scopes=frozenset(Scope) - {Scope.WEBHOOKS})
    core = world.core
    for act in (
        lambda: webhooks.page(core, caller),
        lambda: webhooks.get(core, caller, 1),
        lambda: webhooks.create(core, caller, WebhookChange()),
        lambda: webhooks.change(core, caller, 1, WebhookChange()),
        lambda: webhooks.delete(core, caller, 1),
        lambda: webhooks.rotate_secret(core, caller, 1),
        lambda: webhooks.test(core, caller, 1),
        lambda: webhooks.latest_deliveries(core, caller, 1, 50),
        lambda: webhooks.delivery(core, caller, 1, 1),
        lambda: webhooks.replay(core, caller, 1, 1),
    ):
        with pytest.raises(Forbidden):
            act()


def test_a_change_of_nothing_changes_nothing(world: World) -> None:
    webhook = made(world)
    world.clock.pass_by(5)
    assert change(world, webhook) == webhook
    assert change(world, webhook, name=" new ").updated_at == world.clock.time


@pytest.mark.parametrize("asked", [{"url": "https://other.example/"}, {"allow_http": True}])
def test_what_changes_the_address_has_it_checked(world: World, asked: dict[str, Any]) -> None:
    webhook = made(world)
    world.sender.refused = "The address is refused."
    assert change(world, webhook, name="new", events=["webhook.test"]).name == "new"
    with pytest.raises(Invalid, match="refused"):
        change(world, webhook, **asked)


def test_disabling_gives_up_what_waits(world: World) -> None:
    webhook = made(world)
    waiting = webhooks.test(world.core, world.ann, webhook.id)
    assert not change(world, webhook, enabled=False).enabled
    ended, _ = webhooks.delivery(world.core, world.ann, webhook.id, waiting.id)
    assert (ended.status, ended.error_message) == ("permanent_failure", "The webhook is disabled.")
    with pytest.raises(Conflict):
        webhooks.test(world.core, world.ann, webhook.id)


def _pause(world: World, webhook: Webhook) -> None:
    with world.db.begin() as tx:
        later = world.clock.time.replace(year=2100)
        rows.change(tx, webhook.id, enabled=False, auto_paused=True, trial_at=later, consecutive_failures=10)


def test_enabling_a_paused_webhook_forgets_the_failures_and_sends_what_waits(world: World) -> None:
    webhook = made(world)
    _pause(world, webhook)
    recordings.delete(world.core, world.ann, world.upload().id)
    assert deliveries.claim(world.core, limit=9) == []
    world.webhook_kicks.kicked.clear()
    after = change(world, webhook, enabled=True)
    assert (after.enabled, after.auto_paused, after.consecutive_failures, after.trial_at) == (True, False, 0, None)
    assert world.webhook_kicks.kicked == [webhook.id]
    assert len(deliveries.claim(world.core, limit=9)) == 1


def test_disabling_a_paused_webhook_ends_its_trials(world: World) -> None:
    webhook = made(world)
    _pause(world, webhook)
    after = change(world, webhook, enabled=False)
    assert (after.enabled, after.auto_paused, after.trial_at) == (False, False, None)


def test_a_rotation_gives_another_secret_and_keeps_the_old_one_for_a_day(world: World) -> None:
    webhook = made(world)
    first = webhooks.rotate_secret(world.core, world.ann, webhook.id)
    assert first.secrets(world.clock.time) == (first.secret, webhook.secret)
    assert first.secret != webhook.secret
    world.clock.pass_by(24 * 3600 - 1)
    second = webhooks.rotate_secret(world.core, world.ann, webhook.id)
    assert second.secrets(world.clock.time) == (second.secret, first.secret)
    world.clock.pass_by(24 * 3600)
    assert second.secrets(world.clock.time) == (second.secret,)


def test_a_test_is_sent_whatever_the_webhook_wants(world: World) -> None:
    webhook = made(world)
    delivery = webhooks.test(world.core, world.ann, webhook.id, " a reason ")
    assert (delivery.status, delivery.attempt_count, delivery.event_type) == ("pending", 0, "webhook.test")
    assert world.webhook_kicks.kicked == [webhook.id]
    _, payload = webhooks.delivery(world.core, world.ann, webhook.id, delivery.id)
    said = json.loads(payload)
    assert said["data"] == {"reason": "a reason", "webhook_id": webhook.id}
    assert (said["id"], said["user_id"]) == (str(delivery.event_id), world.ann.user_id)


def test_a_replay_is_a_delivery_of_its_own(world: World) -> None:
    webhook = made(world)
    gone = recordings.delete(world.core, world.ann, world.upload(title="Talk").id)
    (first,) = webhooks.latest_deliveries(world.core, world.ann, webhook.id, 50)
    world.clock.pass_by(60)
    again = webhooks.replay(world.core, world.ann, webhook.id, first.id)
    _, before = webhooks.delivery(world.core, world.ann, webhook.id, first.id)
    _, after = webhooks.delivery(world.core, world.ann, webhook.id, again.id)
    old, new = json.loads(before), json.loads(after)
    assert new["data"] == old["data"] == {"recording_id": gone.id, "title": "Talk"}
    assert (new["replayed_from"], new["id"]) == (old["id"], str(again.event_id))
    assert new["id"] != old["id"] and new["timestamp"] > old["timestamp"]
    assert webhooks.latest_deliveries(world.core, world.ann, webhook.id, 1) == [again]


def test_where_webhooks_are_off_a_test_stays_pending_and_nothing_else_is_queued(world: World) -> None:
    webhook = made(world)
    world = World(world.db, policy=Policy(webhooks=False))
    core: Core = world.core
    delivery = webhooks.test(core, world.ann, webhook.id)
    recordings.delete(core, world.ann, world.upload().id)
    deliveries.sweep(core)
    assert deliveries.claim(core, limit=9) == []
    assert webhooks.latest_deliveries(core, world.ann, webhook.id, 50) == [delivery]
    assert world.webhook_kicks.kicked == []


def test_a_webhook_that_is_deleted_takes_its_deliveries_along(world: World) -> None:
    webhook = made(world)
    webhooks.test(world.core, world.ann, webhook.id)
    webhooks.delete(world.core, world.ann, webhook.id)
    assert world.count("webhook_deliveries") == 0
    with pytest.raises(NotFound):
        webhooks.delete(world.core, world.ann, webhook.id)


def test_a_webhook_that_is_deleted_meanwhile_does_no_harm_to_the_event(world: World) -> None:
    """The event waits for the deletion, and then knows that there is nobody to tell."""
    webhook = made(world)
    uploaded = world.upload()
    with ThreadPoolExecutor(1) as pool:
        with world.db.begin() as tx:
            rows.remove(tx, world.ann.user_id, webhook.id)
            deleting = pool.submit(recordings.delete, world.core, world.ann, uploaded.id)
            waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            while not world.rows(waiting):
                assert not deleting.done()
        deleting.result(10)
    assert world.count("recordings") == world.count("webhook_deliveries") == 0
