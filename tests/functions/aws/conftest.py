"""A deployment whose AWS is MiniStack and whose workers only wait: the handlers run as a Lambda would run them."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from shared.adapters.http_launcher import HttpLauncher
from shared.db.database import Database
from shared.services import accounts
from shared.services.core import Core
from shared.wiring import cloud
from tests.support.connections_server import ConnectionsServer
from tests.support.ministack import LocalAws
from tests.support.worker import serving

PATIENT = (sys.executable, "-c", "import sys; sys.stdin.read()")


@dataclass(frozen=True)
class Deployment:
    aws: LocalAws
    bucket: str
    jobs_queue: str
    live_queue: str
    connections: ConnectionsServer
    token: str

    @property
    def core(self) -> Core:
        return cloud.core()

    def live(self, count: int = 1) -> list[Any]:
        return self.aws.messages(self.live_queue, count)

    def kicks(self, count: int = 1) -> list[Any]:
        return self.aws.messages(self.jobs_queue, count)


def sqs(*bodies: object) -> dict[str, Any]:
    """An event as Lambda makes it of a batch."""
    return {
        "Records": [
            {"messageId": f"message-{number}", "body": json.dumps(body), "eventSource": "aws:sqs"}
            for number, body in enumerate(bodies)
        ]
    }


def failures(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def forget() -> None:
    """As if the container had been replaced."""
    for made_once in (cloud.core, cloud.launching_core, cloud.settings, cloud.live, cloud.connections):
        made_once.cache_clear()


@contextmanager
def deployed(ministack: LocalAws, database: Database) -> Iterator[Deployment]:
    """Whoever asks the wiring meanwhile gets this deployment."""
    bucket, jobs_queue, live_queue = ministack.bucket(), ministack.queue(), ministack.queue()
    with (
        ConnectionsServer() as connections,
        serving(PATIENT, 3, "shared") as worker_url,
        pytest.MonkeyPatch.context() as patch,
    ):
        environment = {
            **ministack.environment,
            "HANSARD_AUTH": "required",
            "HANSARD_DATABASE_URL": database.url,
            "HANSARD_SECRET": "a secret of thirty-two characters",
            "HANSARD_BUCKET": bucket,
            "HANSARD_JOBS_QUEUE_URL": jobs_queue,
            "HANSARD_LIVE_QUEUE_URL": live_queue,
            "HANSARD_WEBHOOKS_QUEUE_URL": live_queue,
            "HANSARD_CONNECTIONS_URL": connections.url,
            "HANSARD_CALLBACK_URL": "https://api.example",
            "HANSARD_WORKER_URL": worker_url,
            "HANSARD_WORKER_TOKEN": "shared",
        }
        for name, value in environment.items():
            patch.setenv(name, value)
        forget()
        token = accounts.issue_token(database, "ann")
        yield Deployment(ministack, bucket, jobs_queue, live_queue, connections, token)
        cloud.core().db.close()
        launcher = cloud.launching_core().launcher
        assert isinstance(launcher, HttpLauncher)
        launcher.close()
        cloud.connections().stop()
        forget()


@pytest.fixture
def deployment(ministack: LocalAws, database: Database) -> Iterator[Deployment]:
    with deployed(ministack, database) as running:
        yield running
