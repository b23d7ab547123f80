"""The addresses without a version that phone apps and bridges of Speakr ask."""

import json
from typing import Any

import pytest

from shared.db.database import Database
from shared.services import jobs
from tests.support.door import Door
from tests.support.shelf import shelve
from tests.support.world import ATTEMPT, World


@pytest.fixture
def door(database: Database) -> Door:
    return Door(World(database))


def queue(door: Door) -> list[dict[str, Any]]:
    response = door.get("/api/recordings/job-queue-status", door.world.ann)
    assert response.status_code == 200, response.text
    return response.json()["jobs"]


def test_the_detail_has_the_segments_as_json_in_a_text(door: Door) -> None:
    recording, task = door.world.launched(title="A talk")
    door.world.report(task, *ATTEMPT)
    found = door.get(f"/api/recordings/{recording.id}", door.world.ann).json()
    segments = json.loads(found["transcription"])
    assert segments[0] == {"speaker": "SPEAKER_00", "sentence": "Hello.", "start_time": 0.0, "end_time": 1.0}
    assert len(segments) == 4
    versioned = door.get(f"/api/v1/recordings/{recording.id}", door.world.ann).json()
    assert {**found, "transcription": None} == {**versioned, "transcription": None}


def test_a_recording_without_transcript_has_none_here_either(door: Door) -> None:
    recording_id = shelve(door.world)
    assert door.get(f"/api/recordings/{recording_id}", door.world.ann).json()["transcription"] is None


@pytest.mark.parametrize("path", ["/api/recordings/1", "/api/recordings/job-queue-status"])
def test_nobody_sees_nothing(door: Door, path: str) -> None:
    refused = door.get(path)
    assert refused.status_code == 401
    assert set(refused.json()) == {"error"}
    assert refused.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(("number", "code"), [("99", 404), ("x", 404), ("-1", 404), ("9" * 30, 404), ("%00", 404)])
def test_what_is_no_recording_is_not_there(door: Door, number: str, code: int) -> None:
    refused = door.get(f"/api/recordings/{number}", door.world.ann)
    assert refused.status_code == code
    assert set(refused.json()) == {"error"}


def test_a_foreign_recording_is_refused(door: Door) -> None:
    recording_id = shelve(door.world, door.world.user("bob"))
    refused = door.get(f"/api/recordings/{recording_id}", door.world.ann)
    assert refused.status_code == 403
    assert set(refused.json()) == {"error"}


def test_the_queue_tells_of_open_jobs_with_their_places(door: Door) -> None:
    running, _ = door.world.launched(title="First")
    waiting = door.world.upload(title="Second")
    door.world.upload(door.world.user("bob"), "Foreign")
    first, second = queue(door)[::-1]
    assert first == {
        "id": first["id"],
        "recording_id": running.id,
        "recording_title": "First",
        "job_status": "processing",
        "job_type": "transcribe",
        "queue_type": "transcription",
        "position": None,
        "is_new_upload": True,
        "error_message": None,
        "created_at": first["created_at"],
        "started_at": first["started_at"],
        "completed_at": None,
    }
    assert first["started_at"].endswith("Z")
    status = door.get(f"/api/v1/recordings/{waiting.id}/status", door.world.ann).json()
    assert (second["recording_title"], second["job_status"]) == ("Second", "queued")
    assert second["position"] == status["queue_position"] >= 1


def test_what_has_ended_is_shown_for_an_hour(door: Door) -> None:
    recording, task = door.world.launched()
    door.world.report(task, *ATTEMPT)
    done = queue(door)
    assert [each["job_status"] for each in done] == ["completed"]
    assert done[0]["completed_at"] is not None
    door.world.submit(recording)
    assert [each["is_new_upload"] for each in queue(door)] == [False, True]
    jobs.cancel(door.world.core, door.world.ann, recording.id)
    door.world.clock.pass_by(3700)
    assert queue(door) == []
