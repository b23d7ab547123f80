"""Webhooks of Ann in a World, in short words."""

from collections import Counter
from typing import Any

from shared.domain.webhooks import Webhook, WebhookDelivery, WebhookEvent
from shared.ports import Response
from shared.services import deliveries, outbox, webhooks
from shared.services.webhooks import WebhookChange
from tests.support.world import World


def hook(world: World, name: str = "flow", **asked: Any) -> Webhook:
    values = {"name": name, "url": f"https://{name}.example/", "events": ["recording.updated"], **asked}
    return webhooks.create(world.core, world.ann, WebhookChange(**values))


def happen(world: World, count: int = 1) -> None:
    """Something that the webhooks of Ann want to know."""
    data = [{"recording_id": number, "title": "Talk"} for number in range(count)]
    with world.db.begin() as tx:
        outbox.announce_all(world.core, tx, world.ann.user_id, WebhookEvent.UPDATED, data)


def send_due(world: World) -> int:
    """Sends all that is due now; how many that were."""
    sent = 0
    while attempts := deliveries.claim(world.core, limit=100):
        for attempt in attempts:
            deliveries.send(world.core, attempt)
        sent += len(attempts)
    return sent


def state(world: World, webhook: Webhook) -> Webhook:
    return webhooks.get(world.core, world.ann, webhook.id)


def history(world: World, webhook: Webhook) -> list[WebhookDelivery]:
    return webhooks.latest_deliveries(world.core, world.ann, webhook.id, 200)[::-1]


def statuses(world: World, webhook: Webhook) -> dict[str, int]:
    return dict(Counter(each.status.value for each in history(world, webhook)))


def pause(world: World, webhook: Webhook) -> None:
    """Ten failures for good."""
    world.sender.answers = [Response(400, "")] * 10
    happen(world, 10)
    send_due(world)
    assert state(world, webhook).auto_paused
