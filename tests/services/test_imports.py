"""What comes over from a Speakr, what does not, and that nothing comes twice."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from shared.db.database import Database
from shared.domain.imports import Kind, Outcome, Step
from shared.services import imports, recordings, uploads
from tests.support.fakes import MemoryWriter
from tests.support.moving import Moving
from tests.support.speakr_server import SpeakrServer, segment
from tests.support.world import World

ABOUT = {"name": "Work", "color": "#112233", "custom_prompt": "Look for names.", "default_language": "en"}


@pytest.fixture
def speakr() -> Iterator[SpeakrServer]:
    with SpeakrServer() as running:
        yield running


@pytest.fixture
def moving(database: Database, speakr: SpeakrServer) -> Moving:
    return Moving(World(database), speakr)


def test_a_recording_comes_with_all_that_is_known_of_it(moving: Moving) -> None:
    marks = {"is_highlighted": True, "deletion_exempt": True, "notes": "Bring cake.", "participants": "Bob, Cleo"}
    moving.speakr.add(7, b"seven", **marks)
    assert moving.run() == [Step(Kind.RECORDING, "Talk 7", Outcome.BROUGHT)]
    row = moving.only()
    assert (row.title, row.title_given, row.status, row.notes) == ("Talk 7", True, "completed", "Bring cake.")
    assert (row.summary, row.is_inbox, row.is_highlighted, row.deletion_exempt) == (
        "## Summary of 7",
        False,
        True,
        True,
    )
    assert (row.original_filename, row.mime_type, row.audio_duration) == ("talk 7.wav", "audio/mpeg", 12.5)
    assert (row.transcription_seconds, row.summarization_seconds) == (3.0, 1.0)
    # Without a zone means UTC.
    assert row.created_at.isoformat() == "2026-01-01T10:07:26.556226+00:00"
    assert row.completed_at.isoformat() == "2026-01-01T11:07:00+00:00"
    assert row.meeting_date.isoformat() == "2025-12-31T09:00:00+00:00"
    assert (moving.world.store.objects[row.audio_key], row.file_size) == (b"seven", 5)
    assert row.sha256 == hashlib.sha256(b"seven").hexdigest()
    moving.check_whole()


def test_a_transcript_keeps_its_speakers_and_their_names(moving: Moving) -> None:
    moving.speakr.speakers = [{"id": 3, "name": "Ann", "use_count": 9, "last_used": "2026-01-01T00:00:00"}]
    moving.speakr.add(7, participants="Bob, Ann")
    moving.run()
    # Ann gets the number that is free; SPEAKER_01 stays what it is.
    assert moving.said() == [("Good morning, this is 7.", 0, 0.0, 2.5), ("Hi.", 1, 2.5, 3.25)]
    people = moving.world.rows("SELECT name, speaker, listed, speaker_id FROM participants ORDER BY id")
    (ann,) = moving.world.rows("SELECT * FROM speakers")
    assert [tuple(each) for each in people] == [("Bob", None, True, None), ("Ann", 0, True, ann.id)]
    assert (ann.name, ann.use_count, ann.last_used_at.year) == ("Ann", 9, 2026)


def test_the_rest_of_the_house_finds_a_finished_recording(moving: Moving) -> None:
    moving.speakr.add(7)
    moving.run()
    world, row = moving.world, moving.only()
    found = recordings.get(world.core, world.ann, row.id)
    assert world.kinds(found) == ["recording.created", "job.completed"]
    (job,) = world.rows("SELECT * FROM jobs")
    assert (job.status, job.progress, job.id) == ("completed", 100, row.transcript_job_id)
    assert (world.count("webhook_deliveries"), world.kicks.count) == (0, 0)
    (counted,) = world.rows("SELECT status, sum(count) AS count, sum(bytes) AS bytes FROM recording_counts GROUP BY 1")
    assert tuple(counted) == ("completed", 1, 5)


def test_appointments_come_too(moving: Moving) -> None:
    said = {"title": "Review", "start_datetime": "2026-02-01T10:00:00", "attendees": ["Ann"], "reminder_minutes": 15}
    moving.speakr.add(7, events=[{"id": 1, **said, "end_datetime": None}, {"id": 2, "title": "Never"}])
    moving.run()
    (row,) = moving.world.rows("SELECT * FROM calendar_events")
    assert (row.title, row.start_at.isoformat()) == ("Review", "2026-02-01T10:00:00+00:00")
    assert (row.end_at, row.attendees, row.reminder_minutes) == (None, ["Ann"], 15)


def test_a_second_run_brings_what_is_new(moving: Moving) -> None:
    moving.speakr.add(1)
    moving.run()
    moving.speakr.add(2)
    assert moving.outcomes() == [("Talk 1", Outcome.THERE), ("Talk 2", Outcome.BROUGHT)]
    assert moving.outcomes() == [("Talk 1", Outcome.THERE), ("Talk 2", Outcome.THERE)]
    assert moving.world.count("recordings") == 2
    moving.check_whole()


def test_the_same_number_at_another_server_is_another_recording(moving: Moving) -> None:
    moving.speakr.add(1)
    moving.run()
    with SpeakrServer("/speech") as other:
        other.add(1, title="Elsewhere")
        assert Moving(moving.world, other).outcomes() == [("Elsewhere", Outcome.BROUGHT)]


def test_what_was_deleted_here_stays_deleted(moving: Moving) -> None:
    moving.speakr.add(1)
    moving.run()
    recordings.delete(moving.world.core, moving.world.ann, moving.only().id)
    assert moving.outcomes() == [("Talk 1", Outcome.THERE)]
    assert moving.world.count("recordings") == 0


@pytest.mark.parametrize("status", ["PENDING", "QUEUED", "PROCESSING", "SUMMARIZING"])
def test_what_is_still_worked_on_comes_with_the_next_run(moving: Moving, status: str) -> None:
    made = moving.speakr.add(1, status=status)
    assert moving.outcomes() == [("Talk 1", Outcome.LEFT)]
    made["status"] = "COMPLETED"
    assert moving.outcomes() == [("Talk 1", Outcome.BROUGHT)]


def test_what_is_begun_anew_after_it_was_listed_comes_with_the_next_run(moving: Moving) -> None:
    made = moving.speakr.add(1, status="PROCESSING")
    moving.speakr.pages = lambda found: [{**each, "status": "COMPLETED"} for each in found]
    assert moving.outcomes() == [("Talk 1", Outcome.LEFT)]
    assert moving.world.count("imports") == 0
    made["status"] = "COMPLETED"
    assert moving.outcomes() == [("Talk 1", Outcome.BROUGHT)]


def test_a_failure_comes_as_one_and_can_be_transcribed_here(moving: Moving) -> None:
    moving.speakr.add(1, status="FAILED", error_message="No speech found", summary=None)
    del moving.speakr.transcripts[1]
    moving.run()
    row = moving.only()
    assert (row.status, row.error_message, row.transcript_job_id) == ("failed", "No speech found", None)
    found = recordings.get(moving.world.core, moving.world.ann, row.id)
    assert moving.world.submit(found).status == "queued"
    assert moving.world.kinds(found)[:2] == ["recording.created", "job.failed"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            'ERROR_JSON:{"title": "Too large", "message": "The file is too large.", "type": "size"}',
            "The file is too large.",
        ),
        ("ERROR_JSON:{broken", "{broken"),
        ("ERROR_JSON:", "The transcription failed."),
    ],
)
def test_a_reason_in_place_of_a_transcript_is_no_transcript(moving: Moving, text: str, reason: str) -> None:
    moving.speakr.add(1, status="COMPLETED")
    moving.speakr.transcripts[1] = {"format": "json", "segments": [], "raw": text}
    moving.run()
    row = moving.only()
    assert (row.status, row.error_message, moving.said()) == ("failed", reason, [])


def test_a_plain_text_is_one_segment_of_nobody(moving: Moving) -> None:
    moving.speakr.add(1)
    moving.speakr.transcripts[1] = {"format": "json", "segments": [], "raw": "All that was said."}
    moving.run()
    assert moving.said() == [("All that was said.", None, 0.0, 0.0)]


def test_segments_are_taken_as_they_come(moving: Moving) -> None:
    moving.speakr.add(1, participants=None)
    odd: list[Any] = [
        {"speaker": None, "text": "By other names.", "start": "1.5", "end": 2},
        {"speaker": "Unknown Speaker", "sentence": "Without an end.\x00", "start_time": 3},
        segment("SPEAKER_7", "No label of ours.", float("1e999"), -1.0),
        segment("Ann", "  ", 5.0, 6.0),
        "nonsense",
    ]
    moving.speakr.transcripts[1] = {"format": "json", "segments": odd}
    moving.run()
    assert moving.said() == [
        ("By other names.", None, 1.5, 2.0),
        ("Without an end.", None, 3.0, 4.0),
        ("No label of ours.", 0, 4.0, 5.0),
    ]
    (named,) = moving.world.rows("SELECT name, speaker, listed FROM participants")
    assert tuple(named) == ("SPEAKER_7", 0, False)


def test_what_no_column_holds_is_cut_or_left(moving: Moving) -> None:
    moving.speakr.add(1, title="T" * 300, meeting_date="yesterday", audio_duration="long", mime_type=None, notes=5)
    moving.speakr.add(2, title=None, created_at=None, original_filename=None, participants=None, summary=None)
    assert [outcome for _, outcome in moving.outcomes()] == [Outcome.BROUGHT] * 2
    first, second = moving.world.rows("SELECT * FROM recordings ORDER BY title DESC")
    assert (first.title, first.meeting_date, first.audio_duration, first.notes) == ("T" * 200, None, None, None)
    assert (second.title, second.title_given, second.summary) == ("Recording - recording-2", False, None)


def test_tags_and_folders_come_with_their_defaults(moving: Moving) -> None:
    moving.speakr.tags = [
        {"id": 4, **ABOUT, "group_id": None},
        {"id": 5, "name": "Team", "color": "red", "group_id": 1},
    ]
    moving.speakr.folders = [{"id": 8, **ABOUT, "name": "Calls", "retention_days": -1, "auto_share_on_apply": False}]
    refs = [{"id": 5, "name": "Team", "color": "red"}, {"id": 4, "name": "Work"}, {"id": 6, "name": "Not listed"}]
    moving.speakr.add(1, tags=refs, folder_id=8, folder={"id": 8, "name": "Calls"})
    notes = [step.note for step in moving.run()]
    assert notes == ["", "It is a group's over there; here the tag is personal.", "", ""]
    tags = moving.world.rows(
        "SELECT tags.* FROM tags JOIN recording_tags ON tag_id = tags.id ORDER BY recording_tags.id"
    )
    assert [(tag.name, tag.color) for tag in tags] == [
        ("Team", "#3B82F6"),
        ("Work", "#112233"),
        ("Not listed", "#3B82F6"),
    ]
    assert (tags[1].custom_prompt, tags[1].default_language, tags[1].group_id) == ("Look for names.", "en", None)
    (folder,) = moving.world.rows("SELECT * FROM folders")
    assert (folder.name, folder.protect_from_deletion, folder.retention_days) == ("Calls", True, None)
    assert folder.auto_share_on_apply is False
    assert moving.only().folder_id == folder.id


def test_a_tag_of_that_name_is_the_same_tag_and_one_deleted_here_does_not_come_back(moving: Moving) -> None:
    world = moving.world
    world.rows(
        "INSERT INTO tags (user_id, name, color) VALUES (:id, 'Work', '#000000') RETURNING id", id=world.ann.user_id
    )
    moving.speakr.tags = [{"id": 4, **ABOUT}, {"id": 5, "name": "Old", "color": "#111111"}]
    moving.run()
    world.rows("DELETE FROM tags WHERE name = 'Old' RETURNING id")
    moving.speakr.add(1, tags=[{"id": 5, "name": "Old"}, {"id": 4, "name": "Work"}])
    moving.run()
    attached = world.rows("SELECT name, color FROM tags JOIN recording_tags ON tag_id = tags.id")
    assert [tuple(each) for each in attached] == [("Work", "#000000")]
    assert world.count("tags") == 1


@pytest.mark.parametrize(("status", "answer"), [(403, {"error": "Folders feature is not enabled"}), (200, [])])
def test_folders_may_be_switched_off_over_there(moving: Moving, status: int, answer: Any) -> None:
    moving.speakr.folders_status, moving.speakr.folders = status, answer
    moving.speakr.add(1)
    assert moving.outcomes() == [("Talk 1", Outcome.BROUGHT)]


class Crash(BaseException):
    """What a kill looks like from inside."""


@pytest.mark.parametrize("when", ["half of the audio", "before the rows"])
def test_an_import_that_is_killed_leaves_nothing_and_begins_there_again(
    moving: Moving, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    def crash(*_: Any) -> None:
        raise Crash

    moving.speakr.add(1)
    moving.speakr.add(2)
    with monkeypatch.context() as patched:
        if when == "half of the audio":
            patched.setattr(MemoryWriter, "write", crash)
        else:
            patched.setattr(imports, "_add", crash)
            patched.setattr(moving.world.store, "delete", lambda key: None)
        with pytest.raises(Crash):
            moving.run()
    assert moving.world.count("recordings") == 0
    moving.check_whole()
    assert [outcome for _, outcome in moving.outcomes()] == [Outcome.BROUGHT] * 2
    moving.world.clock.pass_by(2 * 24 * 3600)
    uploads.sweep(moving.world.core)
    moving.check_whole()
    assert len(moving.world.store.objects) == 2
    assert moving.world.count("object_deletions") == 0


def test_of_two_imports_at_once_one_brings_it(moving: Moving) -> None:
    moving.speakr.add(1)
    other = Moving(moving.world, moving.speakr)
    steps: list[Step] = []

    def meanwhile(_: int) -> None:
        moving.speakr.half_way = lambda _: None
        steps.extend(other.run())

    moving.speakr.half_way = meanwhile
    steps += moving.run()
    assert [step.outcome for step in steps] == [Outcome.BROUGHT, Outcome.THERE]
    assert moving.world.count("recordings") == 1
    moving.check_whole()


def test_audio_that_a_starting_server_clears_away_is_missed_in_time(
    moving: Moving, monkeypatch: pytest.MonkeyPatch
) -> None:
    moving.speakr.add(1)
    with monkeypatch.context() as patched:
        patched.setattr(MemoryWriter, "commit", lambda writer: None)
        assert moving.outcomes() == [("Talk 1", Outcome.LEFT)]
    assert moving.world.count("recordings") == 0
    assert moving.outcomes() == [("Talk 1", Outcome.BROUGHT)]


def test_a_look_changes_nothing(moving: Moving) -> None:
    moving.speakr.tags = [{"id": 4, **ABOUT}]
    moving.speakr.add(1)
    moving.speakr.add(2, status="QUEUED")
    client = moving.client()
    survey = imports.look(client)
    steps = list(imports.preview(moving.world.db, client, survey, "somebody"))
    client.close()
    assert [(step.name, step.outcome) for step in steps] == [
        ("Work", Outcome.BROUGHT),
        ("Talk 1", Outcome.BROUGHT),
        ("Talk 2", Outcome.LEFT),
    ]
    assert [moving.world.count(table) for table in ("recordings", "tags", "imports", "object_deletions")] == [0] * 4
    assert moving.world.rows("SELECT 1 FROM users WHERE username = 'somebody'") == []
