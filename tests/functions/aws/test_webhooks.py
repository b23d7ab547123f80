"""The function that sends webhooks, kicked by SQS, and calling a receiver on the loopback."""

from collections.abc import Iterator
from typing import Any

import pytest

from functions.aws import deliver_webhooks
from functions.aws import sweep as sweep_trigger
from shared.domain.accounts import Caller
from shared.domain.webhooks import Webhook, WebhookEvent
from shared.services import accounts, outbox, webhooks
from shared.services.webhooks import WebhookChange
from shared.wiring import cloud
from tests.functions.aws.conftest import Deployment, failures, sqs
from tests.support.receiver import Receiver


@pytest.fixture(autouse=True)
def queue(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A queue of its own for webhooks, which may go to the loopback."""
    url = deployment.aws.queue()
    monkeypatch.setenv("HANSARD_WEBHOOKS_QUEUE_URL", url)
    monkeypatch.setenv("HANSARD_WEBHOOK_ALLOWLIST", "^127.0.0.1$")
    deployment.core.db.close()
    cloud.settings.cache_clear()
    cloud.core.cache_clear()
    return url


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def ann(deployment: Deployment) -> Caller:
    return accounts.authenticate(deployment.core, deployment.token)


@pytest.fixture
def webhook(deployment: Deployment, ann: Caller, receiver: Receiver) -> Webhook:
    asked = WebhookChange(name="one", url=receiver.url, events=["recording.updated"])
    return webhooks.create(deployment.core, ann, asked)


def happen(deployment: Deployment, ann: Caller, count: int) -> None:
    core = deployment.core
    with core.db.begin() as tx:
        data: list[dict[str, Any]] = [{"recording_id": number} for number in range(count)]
        outbox.announce_all(core, tx, ann.user_id, WebhookEvent.UPDATED, data)


def test_a_change_kicks_and_the_kick_sends(
    deployment: Deployment, ann: Caller, webhook: Webhook, receiver: Receiver, queue: str
) -> None:
    happen(deployment, ann, 10)
    kicks = deployment.aws.messages(queue)
    assert kicks == [{"webhook_id": webhook.id}]
    assert failures(deliver_webhooks.handler(sqs(*kicks, *kicks), None)) == []
    assert len(receiver.received) == 10
    assert receiver.most <= 4
    found = webhooks.latest_deliveries(deployment.core, ann, webhook.id, 50)
    assert {each.status for each in found} == {"success"}


def test_a_kick_for_a_webhook_that_is_gone_is_fine(deployment: Deployment) -> None:
    assert failures(deliver_webhooks.handler(sqs({"webhook_id": 77}), None)) == []


def test_a_message_that_is_no_kick_fails_alone(deployment: Deployment) -> None:
    assert failures(deliver_webhooks.handler(sqs({"kind": "deliver"}, {"webhook_id": 77}), None)) == ["message-0"]


def test_the_sweep_kicks_again_what_was_lost(
    deployment: Deployment, ann: Caller, webhook: Webhook, receiver: Receiver, queue: str
) -> None:
    happen(deployment, ann, 1)
    deployment.aws.messages(queue)
    sweep_trigger.handler({}, None)
    assert deployment.aws.messages(queue) == [{"webhook_id": webhook.id}]
    assert receiver.received == [], "the sweep itself sends nothing"
