"""The detail of a recording, and how far it is."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, update

from shared.db.database import Database
from shared.db.tables import calendar_events, jobs, recordings
from shared.domain.recordings import RecordingStatus
from shared.services import recordings as service
from tests.support.door import Door
from tests.support.shelf import counted, folder, label, shelve
from tests.support.world import ATTEMPT, World

TEXTS = {"transcription", "summary", "notes"}


@pytest.fixture
def door(database: Database) -> Door:
    return Door(World(database))


def got(door: Door, recording_id: int, query: str = "") -> dict[str, Any]:
    response = door.get(f"/api/v1/recordings/{recording_id}{query}", door.world.ann)
    assert response.status_code == 200, response.text
    return response.json()


def transcribed(door: Door) -> int:
    recording, task = door.world.launched(title="A talk")
    door.world.report(task, *ATTEMPT)
    return recording.id


MADE = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
#: What `complete` says, but for ids.
COMPLETE = {
    "title": "A talk",
    "status": "COMPLETED",
    "created_at": "2026-03-01T09:30:00Z",
    "completed_at": "2026-03-01T09:30:00Z",
    "meeting_date": "2026-03-01T09:30:00Z",
    "file_size": 5,
    "original_filename": "talk.wav",
    "mime_type": "audio/wav",
    "participants": "Ann, Bob",
    "is_inbox": True,
    "is_highlighted": False,
    "audio_available": True,
    "audio_duration": 12.5,
    "deletion_exempt": True,
    "keep_audio_only": False,
    "processing_time_seconds": 3.5,
    "transcription_duration_seconds": 2.0,
    "summarization_duration_seconds": 1.5,
    "error_message": None,
    "events": [],
    "duplicate_info": None,
    "transcription": None,
    "summary": "It was said.",
    "notes": "Weekly",
    "model_used": None,
    "language": None,
    "warnings": [],
}


def complete(world: World, folder_id: int) -> int:
    return shelve(
        world,
        names=("Ann", "Bob"),
        folder_id=folder_id,
        created_at=MADE,
        meeting_date=MADE,
        completed_at=MADE,
        audio_duration=12.5,
        transcription_seconds=2,
        summarization_seconds=1.5,
        deletion_exempt=True,
        summary="It was said.",
        notes="Weekly",
    )


def test_the_detail_is_complete(door: Door) -> None:
    calls = folder(door.world, "Calls")
    recording_id = complete(door.world, calls)
    tag_id = label(door.world, "Work", recording_id)
    found = got(door, recording_id)
    assert found == {
        **COMPLETE,
        "id": recording_id,
        "uuid": found["uuid"],
        "folder_id": calls,
        "folder": {"id": calls, "name": "Calls"},
        "tags": [{"id": tag_id, "name": "Work", "color": "#3B82F6"}],
    }


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("", TEXTS),
        ("?format=full", TEXTS),
        ("?format=anything", TEXTS),
        ("?format=minimal", set()),
        ("?format=minimal&include=notes,segments", set()),
        ("?include=", set()),
        ("?include=nonsense", set()),
        ("?include=notes", {"notes"}),
        ("?include=summary,%20transcription,x", {"summary", "transcription"}),
        ("?include=segments", {"segments"}),
    ],
)
def test_texts_are_there_when_asked_for_and_else_left_out(door: Door, query: str, texts: set[str]) -> None:
    recording_id = shelve(door.world, notes="Weekly")
    assert set(got(door, recording_id, query)) & (TEXTS | {"segments"}) == texts


def test_the_transcription_is_text_and_the_segments_are_rows(door: Door) -> None:
    found = got(door, transcribed(door), "?include=transcription,segments")
    assert found["transcription"].splitlines() == ["[SPEAKER_00]: Hello."] * 4
    assert found["segments"][1] == {
        "speaker": "SPEAKER_00",
        "sentence": "Hello.",
        "start_time": 1.0,
        "end_time": 2.0,
    }
    assert len(found["segments"]) == 4


def test_appointments_come_in_order_of_time_with_all_their_keys(door: Door) -> None:
    recording_id = shelve(door.world)
    late = {"recording_id": recording_id, "title": "Late", "start_at": datetime(2026, 3, 9, 10, tzinfo=UTC)}
    early = {
        "recording_id": recording_id,
        "title": "Early",
        "start_at": datetime(2026, 3, 8, 10, tzinfo=UTC),
        "end_at": datetime(2026, 3, 8, 11, tzinfo=UTC),
        "description": "Progress",
        "location": "Room A",
        "attendees": ["Ann", "Bob"],
        "reminder_minutes": 15,
    }
    with door.world.db.begin() as tx:
        for values in (late, early):
            tx.execute(insert(calendar_events).values(**values))
    first, second = got(door, recording_id, "?format=minimal")["events"]
    assert first == {
        "id": first["id"],
        "recording_id": recording_id,
        "title": "Early",
        "start_datetime": "2026-03-08T10:00:00Z",
        "end_datetime": "2026-03-08T11:00:00Z",
        "description": "Progress",
        "location": "Room A",
        "attendees": ["Ann", "Bob"],
        "reminder_minutes": 15,
        "created_at": first["created_at"],
    }
    assert (second["title"], second["end_datetime"], second["attendees"]) == ("Late", None, [])


def test_copies_of_the_same_bytes_are_told_with_the_recording_itself(door: Door) -> None:
    ids = [shelve(door.world, title=f"Copy {number}", sha256="0" * 64) for number in range(3)]
    shelve(door.world, sha256="1" * 64)
    shelve(door.world, door.world.user("bob"), sha256="0" * 64)
    shelve(door.world)
    info = got(door, ids[1])["duplicate_info"]
    assert info["total_copies"] == 3
    told = [(each["id"], each["title"], each["is_self"]) for each in info["copies"]]
    assert told == [(ids[0], "Copy 0", False), (ids[1], "Copy 1", True), (ids[2], "Copy 2", False)]


def test_audio_that_retention_took_is_not_available(door: Door) -> None:
    recording_id, address = door.world.upload().id, "/api/v1/recordings/{}/audio"
    assert door.get(address.format(recording_id), door.world.ann, follow_redirects=False).status_code == 302
    with door.world.db.begin() as tx:
        # The bytes go a little later.
        tx.execute(update(recordings).values(audio_deleted_at=door.world.clock()))
    assert got(door, recording_id)["audio_available"] is False
    assert door.get(address.format(recording_id), door.world.ann).status_code == 404


@pytest.mark.parametrize("status", RecordingStatus)
def test_only_what_has_failed_has_an_error(door: Door, status: RecordingStatus) -> None:
    recording_id = shelve(door.world, status=status, error_message="It broke.")
    error = "It broke." if status is RecordingStatus.FAILED else None
    assert got(door, recording_id)["error_message"] == error
    assert got(door, recording_id)["status"] == status.upper()
    assert got(door, recording_id, "/status")["error_message"] == error


@pytest.mark.parametrize("part", ["", "/status"])
def test_a_foreign_recording_is_forbidden_and_a_missing_one_not_found(door: Door, part: str) -> None:
    recording_id = shelve(door.world, door.world.user("bob"))
    for number, code in ((recording_id, 403), (recording_id + 1, 404), ("x", 404), (2**63, 404)):
        refused = door.get(f"/api/v1/recordings/{number}{part}", door.world.ann)
        assert refused.status_code == code
        assert set(refused.json()) == {"error"}


def test_a_site_admin_is_a_stranger_here(door: Door) -> None:
    recording_id = shelve(door.world)
    admin = door.world.user("root")
    with door.world.db.begin() as tx:
        tx.exec_driver_sql("UPDATE users SET is_admin = true WHERE username = 'root'")
    assert door.get(f"/api/v1/recordings/{recording_id}", admin).status_code == 403


def test_a_waiting_summary_has_a_place_in_the_line(door: Door) -> None:
    recording_id = transcribed(door)
    with door.world.db.begin() as tx:
        tx.execute(update(recordings).where(recordings.c.id == recording_id).values(status="summarizing"))
        waiting = {"status": "queued", "kind": "summarize", "options": {}, "first_seq": 1}
        tx.execute(insert(jobs).values(recording_id=recording_id, user_id=door.world.ann.user_id, **waiting))
    found = got(door, recording_id, "/status")
    assert (found["status"], found["queue_position"]) == ("SUMMARIZING", 1)


def test_the_status_has_these_keys(door: Door) -> None:
    found = got(door, transcribed(door), "/status")
    assert found == {
        "id": found["id"],
        "status": "COMPLETED",
        "queue_position": None,
        "error_message": None,
        "completed_at": found["completed_at"],
        "progress": 100,
    }
    assert found["completed_at"].endswith("Z")


def test_detail_and_status_are_one_statement_each(door: Door) -> None:
    world, waiting = door.world, door.world.upload()
    done = transcribed(door)
    for recording_id in (waiting.id, done):
        for call in (service.details, service.status):
            with counted(world.db) as statements:
                call(world.core, world.ann, recording_id)
            assert len(statements) == 1
        with counted(world.db) as statements:
            service.details(world.core, world.ann, recording_id, ["summary", "notes"])
        assert len(statements) == 1
