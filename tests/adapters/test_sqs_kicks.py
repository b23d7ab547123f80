"""Kicks, against MiniStack's SQS."""

import logging
import time

import pytest

from shared.adapters.sqs_kicks import SqsKicks
from tests.support.ministack import LocalAws, free_port


def test_a_kick_says_to_launch(ministack: LocalAws) -> None:
    queue = ministack.queue()
    SqsKicks(queue, lambda: ministack.deployed_client("sqs")).kick()
    assert ministack.messages(queue) == [{"kind": "launch"}]


def test_a_kick_into_a_queue_that_is_not_there_is_lost_and_logged(
    ministack: LocalAws, caplog: pytest.LogCaptureFixture
) -> None:
    queue = f"{ministack.queue()}-gone"
    SqsKicks(queue, lambda: ministack.deployed_client("sqs")).kick()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert queue.rpartition("/")[2] in caplog.text


def test_a_kick_never_raises_and_never_waits_for_long(caplog: pytest.LogCaptureFixture) -> None:
    away = LocalAws(f"http://127.0.0.1:{free_port()}")
    began = time.monotonic()
    SqsKicks(f"{away.url}/0/jobs", lambda: away.deployed_client("sqs")).kick()
    assert time.monotonic() - began < 5
    assert "did not get into jobs" in caplog.text
