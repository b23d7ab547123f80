"""Modal's stand-in with modal_app.py deployed to it, and a task for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from infra.local.modal_server import TOKEN, ModalServer
from shared.domain.tasks import TranscribeOptions, TranscribeTask

if TYPE_CHECKING:
    from modal import Client


@contextmanager
def modal_stand_in(*, port: int = 0, **settings: str) -> Iterator[ModalServer]:
    """Clients and containers made meanwhile find it; `settings` are HANSARD_ variables of the containers."""
    with ModalServer(port) as server, pytest.MonkeyPatch.context() as environment:
        variables = {f"HANSARD_{name.upper()}": value for name, value in {"engine": "pocketsphinx", **settings}.items()}
        for name, value in {**variables, **server.environment}.items():
            environment.setenv(name, value)
        server.deploy()
        yield server


@contextmanager
def modal_client() -> Iterator["Client"]:
    """A client of the stand-in that runs just now. (Modal keeps the one it makes by itself, for good.)"""
    from modal import Client

    client = Client.from_credentials(*TOKEN)
    yield client
    client.close()


def task(callback_url: str, audio_url: str = "http://127.0.0.1:9/none", **options: object) -> TranscribeTask:
    return TranscribeTask(7, 1, audio_url, callback_url, "token-of-7", TranscribeOptions(**options))  # type: ignore[arg-type]
