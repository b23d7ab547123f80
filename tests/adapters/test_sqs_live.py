"""Live updates, against MiniStack's SQS."""

import pytest

from shared.adapters.sqs_live import SqsLiveUpdates
from tests.support.ministack import LocalAws, free_port


@pytest.fixture
def queue(ministack: LocalAws) -> str:
    return ministack.queue()


@pytest.fixture
def live(ministack: LocalAws, queue: str) -> SqsLiveUpdates:
    return SqsLiveUpdates(queue, lambda: ministack.deployed_client("sqs"))


def held_back(ministack: LocalAws, queue: str) -> int:
    """Messages that nobody gets yet."""
    name = "ApproximateNumberOfMessagesDelayed"
    found = ministack.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=[name])
    return int(found["Attributes"][name])


def test_a_change_is_told_at_once(ministack: LocalAws, queue: str, live: SqsLiveUpdates) -> None:
    live.changed(7)
    assert held_back(ministack, queue) == 0
    assert ministack.messages(queue) == [{"recording_id": 7}]


def test_many_changes_are_told(ministack: LocalAws, queue: str, live: SqsLiveUpdates) -> None:
    live.changed(*range(1, 24))
    assert sorted(message["recording_id"] for message in ministack.messages(queue, 23)) == list(range(1, 24))


@pytest.mark.parametrize("seconds", [0.2, 600, 100_000])
def test_a_change_is_told_later(ministack: LocalAws, queue: str, live: SqsLiveUpdates, seconds: float) -> None:
    live.later(7, seconds)
    assert held_back(ministack, queue) == 1


def test_what_was_held_back_comes(ministack: LocalAws, queue: str, live: SqsLiveUpdates) -> None:
    live.later(7, 0.2)
    assert ministack.messages(queue) == [{"recording_id": 7}]


def test_a_refusal_waits_until_the_connection_is_established(
    ministack: LocalAws, queue: str, live: SqsLiveUpdates
) -> None:
    live.refuse("L0SM9cOFvHcCIhw=", "saled")
    assert held_back(ministack, queue) == 1
    refusal = {"connection_id": "L0SM9cOFvHcCIhw=", "dialect": "saled", "refused": "not_found"}
    assert ministack.messages(queue) == [refusal]


def test_an_update_that_gets_lost_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    away = LocalAws(f"http://127.0.0.1:{free_port()}")
    SqsLiveUpdates(f"{away.url}/0/live", lambda: away.deployed_client("sqs")).changed(7)
    assert "did not get into live" in caplog.text
