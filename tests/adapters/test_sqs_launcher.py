"""The launcher that asks another function, against MiniStack's SQS."""

import pytest

from shared.adapters.sqs_launcher import SqsLauncher
from shared.domain.errors import Unavailable
from shared.domain.tasks import TranscribeTask
from tests.support.ministack import LocalAws, free_port


def test_cancelling_is_asked_for(ministack: LocalAws) -> None:
    queue = ministack.queue()
    SqsLauncher(queue, lambda: ministack.deployed_client("sqs")).cancel("fc-01ABC")
    assert ministack.messages(queue) == [{"kind": "cancel", "reference": "fc-01ABC"}]


def test_nothing_can_be_launched_from_here() -> None:
    launcher = SqsLauncher("http://here/0/jobs")
    assert launcher.capacity() == 0
    with pytest.raises(Unavailable, match="Job 7"):
        launcher.launch(TranscribeTask(7, 1, "http://here/audio", "http://here/jobs/7", "a token"))


def test_cancelling_that_gets_lost_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    away = LocalAws(f"http://127.0.0.1:{free_port()}")
    SqsLauncher(f"{away.url}/0/jobs", lambda: away.deployed_client("sqs")).cancel("fc-01ABC")
    assert "fc-01ABC" in caplog.text
