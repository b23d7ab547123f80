"""Servers in the states that the doors' tests need."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support import media
from tests.support.server import Server
from tests.support.waiting import until


@pytest.fixture(scope="session")
def waiting_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose only worker is stopped in the middle of a job: whatever is uploaded waits and costs nothing.

    It takes 1 MiB at most and stands in Tokyo, so that a time that is taken for local shows.
    """
    folder = tmp_path_factory.mktemp("waiting")
    settings = {"workers": "1", "max_upload_mb": "1", "lease_seconds": "3600"}
    with Server(folder / "data", environment={"TZ": "Asia/Tokyo"}, **settings) as running:
        running.upload(media.wav(folder / "blocker.wav", media.speech(10)), title="Blocker")
        _stop_worker(running)
        yield running
    assert "Traceback" not in running.logged()


def _stop_worker(server: Server) -> None:
    def at_work() -> list[psutil.Process]:
        # Not before it runs its own program: the server waits until a child has become one.
        return [worker for worker in server.workers() if "api.worker" in worker.cmdline()]

    until(at_work, told=server.logged)
    for worker in at_work():
        worker.send_signal(signal.SIGSTOP)


@pytest.fixture(scope="session")
def short_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of the meeting."""
    return media.wav(tmp_path_factory.mktemp("media") / "short.wav", media.speech(3))


@pytest.fixture(scope="session")
def silent_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second in which nobody speaks."""
    return media.wav(tmp_path_factory.mktemp("media") / "silent.wav", media.silence(1))
