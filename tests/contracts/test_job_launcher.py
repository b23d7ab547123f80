"""What every JobLauncher does."""

import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from shared.adapters.http_launcher import HttpLauncher
from shared.adapters.process_launcher import ProcessLauncher
from shared.domain.tasks import TranscribeTask
from shared.ports import JobLauncher
from tests.support.fakes import MemoryLauncher
from tests.support.waiting import until
from tests.support.worker import serving

#: A worker that works until it is ended.
PATIENT = (sys.executable, "-c", "import sys; sys.stdin.read()")


def task(job_id: int = 1, attempt: int = 1) -> TranscribeTask:
    return TranscribeTask(job_id, attempt, "http://here/audio", "http://here/jobs/1", "token")


@pytest.fixture(params=["process", "http", "memory"])
def launcher(request: pytest.FixtureRequest) -> Iterator[JobLauncher]:
    if request.param == "memory":
        yield MemoryLauncher(2)
        return
    if request.param == "http":
        with serving(PATIENT, 2, token="secret") as url, closing(HttpLauncher(url, "secret")) as distant:
            yield distant
        return
    processes = ProcessLauncher(PATIENT, 2)
    yield processes
    processes.stop()


def test_each_task_takes_a_place_until_it_ends(launcher: JobLauncher) -> None:
    assert launcher.capacity() == 2
    first = launcher.launch(task(1))
    launcher.launch(task(2))
    assert launcher.capacity() == 0
    launcher.cancel(first)
    until(lambda: launcher.capacity() == 1)


def test_references_name_one_attempt(launcher: JobLauncher) -> None:
    assert launcher.launch(task(1, attempt=1)) != launcher.launch(task(1, attempt=2))


def test_cancelling_twice_or_what_nobody_knows_is_fine(launcher: JobLauncher) -> None:
    reference = launcher.launch(task())
    launcher.cancel(reference)
    launcher.cancel(reference)
    launcher.cancel("never heard of")
    until(lambda: launcher.capacity() == 2)
