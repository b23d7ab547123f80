"""kill -9 at several points of one job: after each it goes on where it was, and nothing is lost or doubled."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.platform import FaithfulClient, Platform
from tests.support.waiting import until

Segments = list[dict[str, Any]]


class Journey:
    """A job on its way, with a client that watches it all the time."""

    def __init__(self, platform: Platform, clip: Path) -> None:
        self.platform = platform
        # The worker of the job before may still be on its way out.
        until(lambda: not platform.workers())
        platform.model.hold()
        self._asked = platform.model.asked
        uploaded = platform.server.upload(clip)
        self.id: int = uploaded["id"]
        self.client = FaithfulClient(platform.server, uploaded["uuid"])
        self._attempt = 0
        self._segments = 0

    @property
    def job(self) -> dict[str, Any]:
        return self.platform.ledger.job(self.id)

    def reach(self, point: str) -> None:
        """Waits until a new attempt has come to `point`."""
        until(lambda: self._is_at(point), told=lambda: f"{point}: {self.job}\n{self.platform.server.logged()[-2000:]}")
        self._attempt = self.job["attempt"]
        self._segments = self._told()

    def _is_at(self, point: str) -> bool:
        job = self.job
        if job["status"] != "running" or job["attempt"] <= self._attempt or not self.platform.workers():
            return False
        match point:
            case "planning":
                return not job["seams"]
            case "first slice":
                return job["slices_done"] >= 1
            case "between segments":
                return self._told() > self._segments
            case "summarizing":
                return self.platform.model.asked > self._asked
        raise AssertionError(point)

    def _told(self) -> int:
        return self.platform.ledger.kinds(self.id).count("transcript.segment")

    def finish(self, expected: Segments) -> None:
        self.platform.model.let_go()
        status = self.platform.server.wait_for(self.id)
        assert status["status"] == "COMPLETED", status
        self.platform.check_whole(self.id, expected)
        self.client.check_saw_all(self.platform.ledger, self.id)

    def slices_begun(self) -> dict[int, list[int]]:
        """By attempt, the slices that its worker set out to transcribe, as it says in its log."""
        lines = re.findall(rf"job {self.job['id']}, attempt (\d+): slices \[(.*?)\]", self.platform.server.logged())
        return {int(attempt): [int(each) for each in begun.split(",") if each] for attempt, begun in lines}


def _kill(process: psutil.Process) -> None:
    process.kill()
    until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)


def _kill_worker(platform: Platform) -> None:
    _kill(platform.workers()[0])


def _kill_server(platform: Platform) -> None:
    platform.kill_server()
    platform.server.start()


def _kill_both(platform: Platform) -> None:
    worker = platform.workers()[0]
    worker.kill()
    _kill_server(platform)


def _kill_server_and_postgres(platform: Platform) -> None:
    postgres = psutil.Process(platform.ledger.postmaster())
    platform.server.kill()
    _kill(postgres)
    platform.kill_server()
    platform.server.start()


JOURNEYS: dict[str, tuple[Callable[[Platform], None], tuple[str, ...]]] = {
    "worker": (_kill_worker, ("planning", "first slice", "between segments", "summarizing")),
    "server": (_kill_server, ("planning", "first slice", "between segments", "summarizing")),
    "both": (_kill_both, ("first slice", "summarizing")),
    "server and postgres": (_kill_server_and_postgres, ("first slice",)),
}


@pytest.mark.parametrize("victim", JOURNEYS)
def test_a_job_survives_kills_at_its_points(platform: Platform, clip: Path, undisturbed: Segments, victim: str) -> None:
    kill, points = JOURNEYS[victim]
    journey = Journey(platform, clip)
    done: list[tuple[int, int]] = []
    for point in points:
        journey.reach(point)
        kill(platform)
        done.append((journey.job["attempt"], journey.job["slices_done"]))
    journey.finish(undisturbed)
    begun = journey.slices_begun()
    for attempt, finished in done:
        later = [len(slices) for other, slices in begun.items() if other > attempt]
        assert all(count <= 4 - finished for count in later), f"{begun}, {done}"
    assert "server" not in victim or journey.client.breaks


def test_a_server_killed_right_after_the_answer_to_an_upload_has_lost_nothing(
    platform: Platform, clip: Path, undisturbed: Segments
) -> None:
    uploads = [platform.server.upload(clip) for _ in range(2)]
    _kill_server(platform)
    for uploaded in uploads:
        assert platform.server.wait_for(uploaded["id"])["status"] == "COMPLETED"
        platform.check_whole(uploaded["id"], undisturbed)


def test_a_helper_that_is_killed_costs_an_attempt_and_nothing_else(
    platform: Platform, clip: Path, undisturbed: Segments
) -> None:
    journey = Journey(platform, clip)
    journey.reach("first slice")
    _kill(platform.helpers()[0])
    journey.finish(undisturbed)
    assert "A speech process ended unexpectedly" in platform.server.logged()
    assert platform.ledger.job(journey.id)["attempt"] == 2
