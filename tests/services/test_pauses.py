"""Webhooks that fail too often: paused, tried, and back without a loss."""

from shared.domain.errors import Unavailable
from shared.ports import Response
from shared.services import deliveries, webhooks
from tests.support.hooks import happen, history, hook, pause, send_due, state, statuses
from tests.support.world import World


def test_ten_failures_for_good_pause_and_nothing_is_lost_meanwhile(world: World) -> None:
    webhook = hook(world)
    pause(world, webhook)
    happen(world, 3)
    assert statuses(world, webhook) == {"permanent_failure": 9, "failed": 1, "pending": 3}
    assert send_due(world) == 0
    before = len(world.sender.sent)
    world.clock.pass_by(3600)
    (trial,) = deliveries.claim(world.core, limit=100)
    assert deliveries.claim(world.core, limit=100) == [], "one alone"
    deliveries.send(world.core, trial)
    after = state(world, webhook)
    assert (after.enabled, after.auto_paused, after.consecutive_failures, after.trial_at) == (True, False, 0, None)
    assert send_due(world) == 3
    assert len(world.sender.sent) == before + 4
    assert statuses(world, webhook) == {"permanent_failure": 9, "success": 4}


def test_a_trial_that_fails_is_followed_by_another_an_hour_later(world: World) -> None:
    webhook = hook(world)
    pause(world, webhook)
    world.sender.answers = [Response(404, ""), Unavailable("No answer."), Response(500, "")]
    for _ in range(3):
        world.clock.pass_by(3599)
        assert send_due(world) == 0
        world.clock.pass_by(1)
        assert send_due(world) == 1
    assert state(world, webhook).auto_paused
    happen(world)
    world.clock.pass_by(3600)
    assert send_due(world) == 2
    assert state(world, webhook).enabled


def test_a_trial_whose_sender_dies_is_not_lost(world: World) -> None:
    webhook = hook(world)
    pause(world, webhook)
    world.clock.pass_by(3600)
    assert len(deliveries.claim(world.core, limit=9)) == 1
    world.clock.pass_by(30)
    assert send_due(world) == 1
    assert state(world, webhook).enabled


def test_without_anything_that_waits_the_next_event_is_the_trial(world: World) -> None:
    webhook = hook(world)
    pause(world, webhook)
    world.rows("DELETE FROM webhook_deliveries WHERE next_at IS NOT NULL RETURNING id")
    world.clock.pass_by(4000)
    assert send_due(world) == 0
    happen(world, 2)
    assert send_due(world) == 2
    assert state(world, webhook).enabled


def test_a_replay_is_a_trial_at_once_before_all_that_waits(world: World) -> None:
    webhook = hook(world)
    world.clock.pass_by(1)
    pause(world, webhook)
    happen(world, 2)
    world.webhook_kicks.kicked.clear()
    again = webhooks.replay(world.core, world.ann, webhook.id, history(world, webhook)[0].id)
    assert world.webhook_kicks.kicked == [webhook.id]
    (trial,) = deliveries.claim(world.core, limit=9)
    assert trial.delivery_id == again.id
    deliveries.send(world.core, trial)
    assert send_due(world) == 3
    assert state(world, webhook).enabled


def test_a_trial_that_succeeds_kicks_for_the_others(world: World) -> None:
    webhook = hook(world)
    pause(world, webhook)
    happen(world)
    world.clock.pass_by(3600)
    (trial,) = deliveries.claim(world.core, limit=9)
    world.webhook_kicks.kicked.clear()
    deliveries.send(world.core, trial)
    assert world.webhook_kicks.kicked == [webhook.id]
