"""What the end of work brings beside the transcript: webhooks, appointments, what was used, and budgets."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.db import usage
from shared.domain.calendar import CalendarEvent
from shared.domain.errors import Forbidden
from shared.domain.recordings import Recording, RecordingStatus
from shared.domain.tasks import Completed, Failed, Summarizing
from shared.domain.usage import Usage
from shared.services import attempts, calendar, jobs, recordings
from tests.support.world import ATTEMPT, STARTED, World, completed, segments

MEETING = CalendarEvent("Lunch", datetime(2026, 3, 4, 12, tzinfo=UTC), None, "Ann: lunch?", "The Crown", ("Bob",), 15)


def listen(world: World, *events: str) -> None:
    world.rows(
        "INSERT INTO webhooks (user_id, name, url, allow_http, events, enabled, secret)"
        " VALUES (:ann, 'x', 'https://example.org/', false, :events, true, 's') RETURNING id",
        ann=world.ann.user_id,
        events=list(events),
    )


def heard(world: World) -> list[tuple[str, dict[str, Any]]]:
    rows = world.rows("SELECT event_type, payload FROM webhook_deliveries ORDER BY id")
    return [(row.event_type.removeprefix("recording."), json.loads(row.payload)["data"]) for row in rows]


EVERYTHING = (
    "recording.transcription.started",
    "recording.transcription.completed",
    "recording.transcription.failed",
    "recording.summary.completed",
    "recording.summary.failed",
    "recording.events.extracted",
)


def test_a_transcription_tells_of_its_start_its_end_and_its_summary(world: World) -> None:
    listen(world, *EVERYTHING)
    recording, task = world.launched()
    world.report(task, *ATTEMPT)
    about = {"recording_id": recording.id, "title": "A title of the summary"}
    assert heard(world) == [
        ("transcription.started", {"recording_id": recording.id, "title": recording.title}),
        (
            "transcription.completed",
            {
                **about,
                "language": "en",
                "audio_duration_seconds": 30.0,
                "transcription_duration_seconds": 1.0,
                "summarization_duration_seconds": 0.0,
            },
        ),
        ("summary.completed", {**about, "summarization_duration_seconds": 0.0}),
    ]


def test_only_the_first_attempt_is_a_start(world: World) -> None:
    listen(world, *EVERYTHING)
    _, task = world.launched()
    attempts.attempt_ended(world.core, task.job_id, task.attempt, "killed")
    attempts.launch_due(world.core)
    assert [kind for kind, _ in heard(world)] == ["transcription.started"]


def test_a_failure_is_told_in_500_characters(world: World) -> None:
    listen(world, *EVERYTHING)
    _, task = world.launched()
    world.report(task, STARTED, Failed("x" * 900))
    kind, data = heard(world)[-1]
    assert (kind, data["error"]) == ("transcription.failed", "x" * 500)


def test_a_transcript_without_its_summary_is_there_and_says_so(world: World) -> None:
    listen(world, *EVERYTHING)
    recording, task = world.launched()
    world.report(task, STARTED, segments(0), Completed("en", None, 1.0, summary_error="The model is away."))
    assert world.recording(recording).status is RecordingStatus.COMPLETED
    (_, (done, about), (failed, why)) = heard(world)
    assert (done, failed, why["error"]) == ("transcription.completed", "summary.failed", "The model is away.")
    assert "summarization_duration_seconds" not in about


def test_a_summary_job_tells_of_the_summary_alone(world: World) -> None:
    recording, task = world.launched()
    world.report(task, *ATTEMPT)
    listen(world, *EVERYTHING)
    for last in (completed(), Failed("Gone.")):
        jobs.submit_summary(world.core, world.ann, recording.id, None)
        attempts.launch_due(world.core)
        world.report(world.launcher.tasks[-1], Summarizing(), last)
    assert [kind for kind, _ in heard(world)] == ["summary.completed", "summary.failed"]


def with_events(*events: CalendarEvent) -> Completed:
    return Completed("en", None, 1.0, events=events)


def transcribe(world: World, recording: Recording | None, *events: CalendarEvent, wanted: bool = True) -> Recording:
    world.rows(
        "UPDATE users SET preferences = CAST(:chosen AS jsonb) RETURNING id",
        chosen=json.dumps({"extract_events": wanted}),
    )
    if recording is None:
        recording = world.upload()
    else:
        world.submit(recording)
    attempts.launch_due(world.core)
    assert world.launcher.tasks[-1].options.extract_events is wanted
    world.report(world.launcher.tasks[-1], STARTED, segments(0), with_events(*events))
    return recording


def test_appointments_are_kept_and_told_of(world: World) -> None:
    listen(world, "recording.events.extracted")
    recording = transcribe(world, None, MEETING)
    (found,) = calendar.events(world.core, world.ann, recording.id)
    assert (found.title, found.start, found.end, found.location) == ("Lunch", MEETING.start, None, "The Crown")
    assert (found.attendees, found.reminder_minutes, found.description) == (("Bob",), 15, "Ann: lunch?")
    title = world.recording(recording).title
    assert heard(world) == [("events.extracted", {"recording_id": recording.id, "title": title, "events_count": 1})]


def test_those_of_another_transcription_replace_them_if_it_looked_for_any(world: World) -> None:
    recording = transcribe(world, None, MEETING, MEETING)
    transcribe(world, recording, wanted=False)
    assert len(calendar.events(world.core, world.ann, recording.id)) == 2
    transcribe(world, recording)
    assert calendar.events(world.core, world.ann, recording.id) == []


def test_those_of_another_transcription_stay_where_nobody_could_look(world: World) -> None:
    recording = transcribe(world, None, MEETING)
    world.submit(recording)
    attempts.launch_due(world.core)
    world.report(world.launcher.tasks[-1], STARTED, segments(0), Completed("en", None, 1.0))
    assert [each.title for each in calendar.events(world.core, world.ann, recording.id)] == ["Lunch"]


def test_there_are_never_more_than_fifty(world: World) -> None:
    recording = transcribe(world, None, *[MEETING] * 60)
    assert len(calendar.events(world.core, world.ann, recording.id)) == 50


def used(world: World) -> Usage:
    with world.db.begin() as tx:
        return usage.of_month(tx, world.ann.user_id, world.clock())


def test_what_is_used_is_counted_by_the_day_and_added_up_by_the_month(world: World) -> None:
    world.clock.time = datetime(2026, 3, 30, 23, 30, tzinfo=UTC)
    for _ in range(2):
        _, task = world.launched()
        world.report(task, STARTED, segments(0), Completed("en", None, 1.0, tokens=7))
        world.clock.pass_by(3600)
    assert used(world) == Usage(60.0, 14)
    assert world.count("usage") == 2
    world.clock.pass_by(24 * 3600)
    assert used(world) == Usage()
    with world.db.begin() as tx:
        assert usage.of_month(tx, None, world.clock() - timedelta(days=2)) == Usage(60.0, 14)


def give(world: World, **budget: int) -> None:
    columns = ", ".join(f"{name} = {value}" for name, value in budget.items())
    world.rows(f"UPDATE users SET {columns} WHERE id = :ann RETURNING id", ann=world.ann.user_id)


def test_a_job_that_nobody_has_the_budget_for_fails_with_the_reason(world: World) -> None:
    listen(world, "recording.transcription.failed")
    give(world, monthly_transcription_seconds=60)
    for _ in range(2):
        _, task = world.launched()
        world.report(task, *ATTEMPT)
    refused, of_another = world.upload(), world.upload(world.user("bob"))
    assert attempts.launch_due(world.core) == 2
    found = world.recording(refused)
    reason = "The monthly transcription budget of 1 minutes is used up."
    assert (found.status, found.error_message) == (RecordingStatus.FAILED, reason)
    assert [data["error"] for _, data in heard(world)] == [reason]
    assert world.launcher.tasks[-1].job_id > 0
    assert recordings.get(world.core, world.user("bob"), of_another.id).status is RecordingStatus.PROCESSING


def test_refused_jobs_do_not_hold_up_those_behind_them(world: World) -> None:
    give(world, monthly_transcription_seconds=0)
    for _ in range(7):
        world.upload()
    attempts.sweep(world.core)
    assert [row.status for row in world.rows("SELECT DISTINCT status FROM jobs")] == ["failed"]


def test_without_tokens_there_is_a_transcript_and_the_reason_why_no_summary(world: World) -> None:
    listen(world, *EVERYTHING)
    give(world, monthly_token_budget=10)
    _, task = world.launched()
    world.report(task, STARTED, segments(0), Completed("en", None, 1.0, tokens=10))
    recording, task = world.launched()
    assert (task.options.summarize, task.options.extract_events) == (False, False)
    world.report(task, STARTED, segments(0), Completed("en", None, 1.0))
    reason = "The monthly budget of 10 tokens is used up."
    assert world.recording(recording).warnings == (f"The summary could not be written: {reason}",)
    assert heard(world)[-1][1]["error"] == reason
    with pytest.raises(Forbidden, match="10 tokens"):
        jobs.submit_summary(world.core, world.ann, recording.id, None)


def test_a_summary_that_waited_until_the_tokens_were_used_up_fails(world: World) -> None:
    recording, task = world.launched()
    world.report(task, *ATTEMPT)
    jobs.submit_summary(world.core, world.ann, recording.id, None)
    give(world, monthly_token_budget=0)
    attempts.launch_due(world.core)
    found = world.recording(recording)
    assert found.status is RecordingStatus.COMPLETED
    assert found.warnings == ("The summary could not be written: The monthly budget of 0 tokens is used up.",)
