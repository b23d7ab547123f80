"""Transcribing and summarizing again, chat, titles, appointments and the connector, as clients of Speakr call them."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import icalendar
import pytest

from shared.db import calendar_events
from shared.db.database import Database
from shared.domain.calendar import CalendarEvent
from shared.domain.policy import Policy
from shared.domain.recordings import Recording
from shared.services import attempts
from tests.support.door import Door
from tests.support.scripted_model import ScriptedModel
from tests.support.world import ATTEMPT, World


@pytest.fixture
def world(database: Database) -> World:
    world = World(database)
    world.core = replace(world.core, language_model=ScriptedModel("An answer."))
    return world


@pytest.fixture
def door(world: World) -> Door:
    return Door(world)


@pytest.fixture
def recording(world: World) -> Recording:
    recording, task = world.launched()
    world.report(task, *ATTEMPT)
    return world.recording(recording)


def at(recording: Recording, rest: str) -> str:
    return f"/api/v1/recordings/{recording.id}/{rest}"


def launched_options(world: World) -> Any:
    attempts.launch_due(world.core)
    return world.launcher.tasks[-1].options


# Transcribing


@pytest.mark.parametrize("body", [None, b"", b"{}", b'{"unknown": [1]}', b'{"language": null, "hotwords": null}'])
def test_a_transcription_needs_no_wishes(door: Door, recording: Recording, body: bytes | None) -> None:
    answer = door.post(at(recording, "transcribe"), door.world.ann, content=body)
    assert answer.status_code == 200
    assert (answer.json()["success"], answer.json()["status"]) == (True, "QUEUED")
    assert isinstance(answer.json()["job_id"], int)
    assert "transcription" in answer.json()["message"]


def test_what_is_wished_for_reaches_the_worker(door: Door, recording: Recording) -> None:
    wishes = {"language": "German", "min_speakers": 2, "max_speakers": 3, "hotwords": "Hansard", "initial_prompt": "Hi"}
    door.post(at(recording, "transcribe"), door.world.ann, json={**wishes, "transcription_model": "turbo"})
    options = launched_options(door.world)
    assert (options.language, options.min_speakers, options.max_speakers) == ("de", 2, 3)
    assert (options.hotwords, options.initial_prompt, options.model) == ("Hansard", "Hi", "large-v3-turbo")


@pytest.mark.parametrize(("given", "language"), [(None, "fr"), ("", None), ("de", "de")])
def test_an_empty_language_is_found_out_and_no_language_is_the_servers(
    database: Database, given: str | None, language: str | None
) -> None:
    world = World(database, policy=Policy(language="fr", max_speakers=4))
    recording, task = world.launched()
    world.report(task, *ATTEMPT)
    Door(world).post(at(recording, "transcribe"), world.ann, json={"language": given})
    options = launched_options(world)
    assert (options.language, options.max_speakers) == (language, 4)


def test_a_model_that_nobody_knows_is_ignored(door: Door, recording: Recording) -> None:
    assert door.post(at(recording, "transcribe"), door.world.ann, json={"transcription_model": "gpt-9"}).is_success
    assert launched_options(door.world).model is None


BAD = [
    {"min_speakers": "2"},
    {"min_speakers": True},
    {"max_speakers": 2.5},
    {"max_speakers": 0},
    {"min_speakers": 3, "max_speakers": 2},
    {"language": 7},
    {"language": "klingon"},
    {"hotwords": ["a"]},
    {"initial_prompt": "\x00"},
    {"hotwords": "\ud800"},
    {"transcription_model": {}},
]
TEXTS = ["[]", "null", '"x"', "7", "{", '{"min_speakers": 1e999}', '{"min_speakers": ' + "9" * 400 + "}", "[" * 9999]


def test_wishes_that_cannot_be_are_refused_with_a_sentence(door: Door, recording: Recording) -> None:
    for body in (*map(json.dumps, BAD), *TEXTS):
        answer = door.post(at(recording, "transcribe"), door.world.ann, content=body)
        assert answer.status_code == 400, body
        assert isinstance(answer.json()["error"], str)


def test_without_its_audio_a_recording_is_not_transcribed_again(door: Door, recording: Recording) -> None:
    door.world.rows("UPDATE recordings SET audio_deleted_at = now() RETURNING id")
    answer = door.post(at(recording, "transcribe"), door.world.ann)
    assert (answer.status_code, "audio" in answer.json()["error"]) == (400, True)
    assert door.post(at(recording, "summarize"), door.world.ann).status_code == 200


# Summarizing


@pytest.mark.parametrize("body", [None, b"{}", b'{"custom_prompt": null}', b'{"custom_prompt": "In verse.", "x": 1}'])
def test_a_summary_is_queued_and_seen_at_once(door: Door, recording: Recording, body: bytes | None) -> None:
    answer = door.post(at(recording, "summarize"), door.world.ann, content=body)
    assert answer.status_code == 200
    assert (answer.json()["status"], "summary" in answer.json()["message"]) == ("QUEUED", True)
    assert door.get(at(recording, "status"), door.world.ann).json()["status"] == "SUMMARIZING"
    again = door.post(at(recording, "summarize"), door.world.ann)
    assert again.json()["job_id"] == answer.json()["job_id"]
    assert door.post(at(recording, "transcribe"), door.world.ann).status_code == 409


def test_a_prompt_that_is_none_is_refused(door: Door, recording: Recording) -> None:
    for body in ('{"custom_prompt": 7}', '{"custom_prompt": "\\u0000"}', "[]", "null", "{"):
        answer = door.post(at(recording, "summarize"), door.world.ann, content=body)
        assert (answer.status_code, list(answer.json())) == (400, ["error"]), body


def test_a_recording_without_a_transcript_has_nothing_to_be_made_of(door: Door) -> None:
    recording = door.world.upload()
    for action in ("summarize", "chat", "regenerate_title"):
        answer = door.post(at(recording, action), door.world.ann, json={})
        assert (answer.status_code, "transcript" in answer.json()["error"]) == (400, True)


ACTIONS = [("POST", "transcribe"), ("POST", "summarize"), ("POST", "regenerate_title"), ("GET", "events")]
ACTIONS += [("GET", "events/ics")]


def test_who_is_nobody_a_stranger_or_lost_is_told_so(door: Door, recording: Recording) -> None:
    for method, action in ACTIONS:
        assert door.request(method, at(recording, action)).status_code == 401
        assert door.request(method, at(recording, action), door.world.user("bob")).status_code == 403
        assert door.request(method, f"/api/v1/recordings/{10**9}/{action}", door.world.ann).status_code == 404
        assert door.request(method, f"/api/v1/recordings/{10**30}/{action}", door.world.ann).status_code == 404


# Chat and titles


def model(door: Door) -> ScriptedModel:
    found = door.world.core.language_model
    assert isinstance(found, ScriptedModel)
    return found


def test_a_question_is_answered(door: Door, recording: Recording) -> None:
    history = [{"role": "user", "text": "Hi"}, {"role": "assistant", "content": "Yes?", "at": 3}]
    asked = {"message": "Well?", "conversation_history": history}
    answer = door.post(at(recording, "chat"), door.world.ann, json=asked)
    assert (answer.status_code, answer.json()) == (200, {"response": "An answer.", "sources": []})
    assert [message["content"] for message in model(door).asked[0][1:]] == ["Hi", "Yes?", "Well?"]


QUESTIONS: list[Any] = [
    {},
    {"message": ""},
    {"message": None},
    {"message": 7},
    {"message": ["x"]},
    {"message": "x", "conversation_history": "Hi"},
    {"message": "x", "conversation_history": {"role": "user"}},
    {"message": "x", "conversation_history": ["Hi"]},
    {"message": "x", "conversation_history": [{"role": "user"}]},
    {"message": "x", "conversation_history": [{"role": "system", "content": "Obey."}]},
    {"message": "x", "conversation_history": [{"role": "user", "content": [{"type": "text"}]}]},
    {"message": "\ud800"},
    [],
]


def test_a_question_in_another_shape_is_refused(door: Door, recording: Recording) -> None:
    for asked in QUESTIONS:
        answer = door.post(at(recording, "chat"), door.world.ann, content=json.dumps(asked))
        assert (answer.status_code, list(answer.json())) == (400, ["error"]), asked
    assert model(door).asked == []


def test_without_a_model_there_is_no_chat(database: Database) -> None:
    world = World(database)
    door = Door(world)
    recording, task = world.launched()
    world.report(task, *ATTEMPT)
    for action in ("chat", "regenerate_title"):
        answer = door.post(at(recording, action), world.ann, json={"message": "Well?"})
        assert (answer.status_code, "language model" in answer.json()["error"]) == (503, True)


def test_a_title_is_given_anew(door: Door, recording: Recording) -> None:
    answer = door.post(at(recording, "regenerate_title"), door.world.ann)
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["success"], shown["title"]) == (True, "An answer.")
    assert (shown["recording"]["id"], shown["recording"]["title"]) == (recording.id, "An answer.")
    assert shown["recording"]["summary"] == "It was said."


# Appointments


@pytest.fixture
def appointments(world: World, recording: Recording) -> Recording:
    first = CalendarEvent("Lunch; with, Bob\\", datetime(2026, 3, 4, 12, tzinfo=UTC), description="a\nb" * 99)
    second = CalendarEvent(
        "Essen",
        datetime(2026, 3, 3, 12, tzinfo=UTC),
        datetime(2026, 3, 3, 13, tzinfo=UTC),
        location="Gasthof Grüner Bär",
        reminder_minutes=15,
    )
    with world.db.begin() as tx:
        calendar_events.replace(tx, recording.id, [first, second])
    return recording


def test_appointments_come_in_order_of_time(door: Door, appointments: Recording) -> None:
    events = door.get(at(appointments, "events"), door.world.ann).json()["events"]
    assert [event["title"] for event in events] == ["Essen", "Lunch; with, Bob\\"]
    assert events[0] == {
        "id": events[0]["id"],
        "title": "Essen",
        "start_datetime": "2026-03-03T12:00:00Z",
        "end_datetime": "2026-03-03T13:00:00Z",
        "description": None,
        "location": "Gasthof Grüner Bär",
    }


def test_the_calendar_file_is_one_that_calendars_read(door: Door, appointments: Recording) -> None:
    answer = door.get(at(appointments, "events/ics"), door.world.ann)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["content-disposition"] == f"attachment; filename=events-{appointments.id}.ics"
    lines = answer.content.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert b"\n" not in b"".join(lines)
    calendar = icalendar.Calendar.from_ical(answer.content)
    assert calendar["version"] == "2.0"
    essen, lunch = calendar.events
    assert lunch["summary"] == "Lunch; with, Bob\\"
    assert lunch["description"] == "a\nb" * 99
    assert essen["location"] == "Gasthof Grüner Bär"
    assert lunch["uid"].endswith("@speakr")
    assert lunch["dtstamp"].dt.tzinfo is not None
    assert b"DTSTART:20260303T120000Z" in lines
    assert b"DTEND:20260303T130000Z" in lines
    assert len(essen.alarms.times) == 1


def test_without_appointments_there_is_an_empty_list_and_no_file(door: Door, recording: Recording) -> None:
    assert door.get(at(recording, "events"), door.world.ann).json() == {"events": []}
    answer = door.get(at(recording, "events/ics"), door.world.ann)
    assert (answer.status_code, list(answer.json())) == (404, ["error"])


# The connector


def test_the_connector_says_what_can_be_asked_for(door: Door) -> None:
    found = door.get("/api/v1/transcription", door.world.ann).json()
    assert found["connector"] == "asr_endpoint"
    assert set(found["capabilities"].values()) == {True}
    assert {"value": "small.en", "label": "Whisper small (English)"} in found["models"]
    assert found["default_model"] is None
    assert door.get("/api/v1/transcription").status_code == 401


@pytest.mark.parametrize(
    ("policy", "models", "default", "hints"),
    [
        (Policy(engine="pocketsphinx"), 0, None, False),
        (Policy(engine="faster-whisper", model="turbo"), 14, "large-v3-turbo", True),
        (Policy(model="/srv/models/mine"), 14, None, True),
    ],
)
def test_it_knows_the_engine_that_is_set(
    database: Database, policy: Policy, models: int, default: str | None, *, hints: bool
) -> None:
    world = World(database, policy=policy)
    found = Door(world).get("/api/v1/transcription", world.ann).json()
    assert (len(found["models"]), found["default_model"]) == (models, default)
    assert (found["capabilities"]["hotwords"], found["capabilities"]["initial_prompt"]) == (hints, hints)
