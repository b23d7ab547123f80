"""Kicks for webhooks, against MiniStack's SQS."""

import logging
import time

import pytest

from shared.adapters.sqs_webhook_kicks import SqsWebhookKicks
from tests.support.ministack import LocalAws, free_port


def test_every_webhook_has_a_message(ministack: LocalAws) -> None:
    queue = ministack.queue()
    SqsWebhookKicks(queue, lambda: ministack.deployed_client("sqs")).kick(range(1, 24))
    assert sorted(message["webhook_id"] for message in ministack.messages(queue, 23)) == list(range(1, 24))


def test_a_kick_into_a_queue_that_is_not_there_is_lost_and_logged(
    ministack: LocalAws, caplog: pytest.LogCaptureFixture
) -> None:
    SqsWebhookKicks(f"{ministack.queue()}-gone", lambda: ministack.deployed_client("sqs")).kick([7])
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_kick_never_raises_and_never_waits_for_long(caplog: pytest.LogCaptureFixture) -> None:
    away = LocalAws(f"http://127.0.0.1:{free_port()}")
    began = time.monotonic()
    SqsWebhookKicks(f"{away.url}/0/webhooks", lambda: away.deployed_client("sqs")).kick([7])
    assert time.monotonic() - began < 5
    assert "[{'webhook_id': 7}] did not get into webhooks" in caplog.text
