"""What programs for Speakr rely on, as they rely on it: one test for each line of what would break them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.db.database import Database
from shared.domain.policy import Policy
from shared.ports import Response
from tests.support.clients import (
    API,
    RECORDINGS,
    STATUSES,
    UPLOAD,
    archive,
    bearer,
    form_by_hand,
    is_number,
    moment,
    phone,
    refusal,
    sending,
)
from tests.support.door import Door
from tests.support.hooks import happen, hook, send_due
from tests.support.receiver import Receiver
from tests.support.scripted_model import ScriptedModel
from tests.support.shelf import shelve
from tests.support.talks import HIGH, LOW, talk
from tests.support.waiting import until
from tests.support.world import ATTEMPT, World

MEGABYTE = 1024 * 1024


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def door(world: World) -> Door:
    return Door(world)


# 302 to login for bad auth
@pytest.mark.parametrize("how", ["garbage", "revoked", "expired"])
def test_a_token_that_is_no_good_is_a_401_in_json_and_never_a_login_page(door: Door, how: str) -> None:
    token = "garbage"
    if how != "garbage":
        made = door.post("/api/tokens", door.world.ann, json={"name": "phone", "expires_in_days": 1}).json()
        token = made["token"]
        assert bearer(door, token).ask("GET", f"{API}/users/me").status_code == 200
        if how == "revoked":
            assert door.delete(f"/api/tokens/{made['id']}", door.world.ann).is_success
        else:
            door.world.clock.pass_by(24 * 3600 + 1)
    recorder = bearer(door, token)
    answer = recorder.upload("only-copy.m4a", **{"tag_ids[0]": "1"})
    refusal(answer, 401)
    assert (answer.headers["WWW-Authenticate"], answer.history) == ("Bearer", [])
    assert (door.world.count("recordings"), door.world.store.objects) == (0, {})
    # The phone app's ping, and what it asks outside of the versioned API.
    for path in (f"{API}/stats", RECORDINGS, "/api/recordings/1", "/speakers/suggestions/1", "/api/tokens"):
        answer = phone(door, token).ask("GET", path)
        refusal(answer, 401)
        assert answer.history == []


# Renaming QUEUED
def test_a_status_is_one_of_five_and_the_queue_says_what_is_at_work(door: Door) -> None:
    running, task = door.world.launched(title="At work")
    door.world.begin(task)
    waiting = door.world.upload(title="Waiting")
    client = bearer(door)

    def shown(recording_id: int) -> tuple[str, str]:
        listed = {each["id"]: each["status"] for each in client.get(RECORDINGS)["recordings"]}
        assert set(listed.values()) <= STATUSES
        return listed[recording_id], client.get(f"{RECORDINGS}/{recording_id}/status")["status"]

    assert (shown(running.id), shown(waiting.id)) == (("PROCESSING",) * 2, ("PENDING",) * 2)
    jobs = {each["recording_id"]: each for each in client.get("/api/recordings/job-queue-status")["jobs"]}
    assert {number: each["job_status"] for number, each in jobs.items()} == {
        running.id: "processing",
        waiting.id: "queued",
    }
    found = client.get(RECORDINGS, params={"status": "pending"})["recordings"]
    assert [each["id"] for each in found] == [waiting.id]
    door.world.report(task, *ATTEMPT)
    assert shown(running.id) == ("COMPLETED",) * 2
    again = client.ask("POST", f"{RECORDINGS}/{running.id}/transcribe", json={}).json()
    assert (again["status"], shown(running.id)) == ("QUEUED", ("PENDING",) * 2)


# Returning a bare tag array
def test_tags_come_wrapped_and_folders_bare(world: World) -> None:
    world.core = replace(world.core, policy=replace(world.core.policy, folders=True))
    client = phone(Door(world))
    for what in ("tags", "folders"):
        made = client.ask("POST", f"{API}/{what}", json={"name": "Work"})
        assert (made.status_code, made.json()["name"]) == (201, "Work"), "what is made comes bare"
    tags, folders = client.get(f"{API}/tags"), client.get(f"{API}/folders")
    assert list(tags) == ["tags"]
    for found in (tags["tags"], folders):
        assert isinstance(found, list)
        assert [(type(each["id"]), each["name"]) for each in found] == [(int, "Work")]


# Wrapping upload answer
def test_an_upload_answers_with_its_number_at_the_top(door: Door) -> None:
    tag = bearer(door).ask("POST", f"{API}/tags", json={"name": "Work"}).json()["id"]
    sent = bearer(door).uploaded("talk.mp3", b"sound", "audio/mp3", title="Stand-up")
    assert "recording" not in sent
    assert type(sent["id"]) is int
    assert (sent["title"], sent["status"], sent["mime_type"]) == ("Stand-up", "PENDING", "audio/mp3")
    added = bearer(door).ask("POST", f"{RECORDINGS}/{sent['id']}/tags", json={"tag_ids": [tag]}).json()
    assert (added["success"], added["added_tags"]) == (True, [{"id": tag, "name": "Work"}])


def test_a_number_kept_as_text_finds_its_recording_until_it_is_gone(door: Door) -> None:
    keeper = archive(door)
    answer = keeper.upload("a.bin", b"sound", "application/octet-stream", title="A", file_last_modified="1764000000000")
    number = str(answer.json()["id"])
    found = keeper.get(f"{RECORDINGS}/{number}", params={"format": "minimal"})
    assert (str(found["id"]), found["title"]) == (number, "A")
    assert not {"transcription", "summary", "notes"} & set(found)
    gone = keeper.ask("DELETE", f"{RECORDINGS}/{number}")
    assert (gone.status_code, gone.json()["success"]) == (200, True)
    refusal(keeper.ask("DELETE", f"{RECORDINGS}/{number}"), 404)
    assert bearer(door).uploaded()["id"] > int(number), "a number is never given twice"


# Dropping `original_filename` or altering it
@pytest.mark.parametrize(
    "name", ["Совещание 1 (копия).M4A", "2026-03-02 09.15.00.wav", "a;b, 'c' & ü.mp3", "no-ending"]
)
def test_a_file_is_found_by_the_very_name_it_had(door: Door, name: str) -> None:
    fields = {"title": "A title", "language": "", "transcription_model": "whisper-1", "speakers": "3"}
    answer = bearer(door).ask("POST", UPLOAD, **form_by_hand(name, **fields))
    assert answer.status_code == 202, answer.text
    bearer(door).uploaded("other.wav")
    listed = bearer(door).get(RECORDINGS, params={"per_page": 100})["recordings"]
    matches = [each["id"] for each in listed if each["original_filename"] == name]
    assert matches == [answer.json()["id"]]
    assert bearer(door).get(f"{RECORDINGS}/{matches[0]}")["original_filename"] == name


def test_whoever_follows_has_next_has_seen_everything_once(door: Door) -> None:
    shelved = {shelve(door.world) for _ in range(203)}
    seen: list[int] = []
    page, more = 0, True
    while more:
        page += 1
        found = bearer(door).get(RECORDINGS, params={"page": page, "per_page": 100})
        seen += [each["id"] for each in found["recordings"]]
        more = found["pagination"]["has_next"]
        assert type(more) is bool
    assert (page, len(seen), set(seen)) == (3, 203, shelved)


# Timestamps with offset other than Z
def test_every_time_is_utc_and_ends_in_z(door: Door) -> None:
    sent = phone(door).uploaded(meeting_date="2026-03-02T09:00:00+02:00")
    assert moment(sent["meeting_date"]) == datetime(2026, 3, 2, 7, tzinfo=UTC)
    _, task = door.world.launched(title="Done")
    door.world.report(task, *ATTEMPT)
    place = f"{RECORDINGS}/{sent['id']}"
    changed = phone(door).ask("PATCH", place, json={"meeting_date": "2026-04-01T10:30:00.000Z"}).json()["recording"]
    assert moment(changed["meeting_date"]) == datetime(2026, 4, 1, 10, 30, tzinfo=UTC)
    done, first = phone(door).get(RECORDINGS, params={"per_page": 50, "sort_by": "created_at"})["recordings"]
    assert moment(first["meeting_date"]) == moment(changed["meeting_date"])
    assert moment(done["created_at"]) > moment(first["created_at"])
    assert moment(done["completed_at"]) == door.world.clock.time
    assert moment(phone(door).get(f"{API}/stats")["activity"]["last_transcription"]) == moment(done["completed_at"])


# Ints where doubles expected
def test_numbers_are_numbers_and_booleans_are_booleans(door: Door) -> None:
    door.world.rows("UPDATE users SET monthly_transcription_seconds = 3600, monthly_token_budget = 9 RETURNING id")
    recording, task = door.world.launched()
    door.world.report(task, *ATTEMPT)
    door.world.upload()
    waiting, done = phone(door).get(RECORDINGS, params={"sort_order": "desc"})["recordings"]
    assert done["id"] == recording.id
    assert is_number(done["audio_duration"]) and is_number(done["file_size"])
    assert waiting["audio_duration"] is None
    switches = ("is_highlighted", "is_inbox", "audio_available", "has_summary", "has_transcription")
    assert {type(each[name]) for each in (waiting, done) for name in switches} == {bool}
    stats = phone(door).get(f"{API}/stats")
    numbers = (
        stats["tokens"]["percentage"],
        stats["transcription"]["percentage"],
        stats["transcription"]["estimated_cost"],
    )
    assert all(is_number(each) for each in numbers)
    counts = (stats["recordings"]["completed"], stats["activity"]["recordings_today"], stats["storage"]["used_bytes"])
    assert [type(each) for each in counts] == [int] * 3
    assert type(stats["storage"]["used_human"]) is str
    me = phone(door).get(f"{API}/users/me")
    assert {type(value) for name, value in me["preferences"].items() if name.startswith("auto_summ")} == {bool}
    assert (me["username"], me["name"]) == ("ann", None)


# `transcription` only as text in v1 detail
def test_segments_are_had_in_three_places_and_suggestions_beside_them(door: Door) -> None:
    client = phone(door)
    known = talk(door.world, 0, voices=(LOW,))
    client.ask("PUT", f"{RECORDINGS}/{known.id}/speakers/assign", json={"speaker_map": {"SPEAKER_00": "Bob"}})
    recording = talk(door.world, 0, 1, voices=(LOW, HIGH))
    text = client.get(f"{RECORDINGS}/{recording.id}")["transcription"]
    assert text.startswith("[SPEAKER_00]: Sentence 0.\n")
    raw = json.loads(client.get(f"/api/recordings/{recording.id}")["transcription"])
    included = client.get(f"{RECORDINGS}/{recording.id}", params={"include": "segments"})["segments"]
    assert raw == included == client.get(f"{RECORDINGS}/{recording.id}/transcript")["segments"]
    suggested = client.get(f"/speakers/suggestions/{recording.id}")
    (best,) = suggested["suggestions"]["SPEAKER_00"]
    assert (suggested["success"], best["name"], best["similarity"]) == (True, "Bob", 100.0)
    assert is_number(best["confidence"])
    labels = client.get(f"{RECORDINGS}/{recording.id}/speakers")
    assert [each["label"] for each in labels["speakers"]] == ["SPEAKER_00", "SPEAKER_01"]
    assert [each["name"] for each in labels["suggestions"]["SPEAKER_00"]] == ["Bob"]


# Non-JSON error page
WRONG: list[tuple[int, str, str, dict[str, Any]]] = [
    (404, "GET", f"{API}/nothing", {}),
    (404, "GET", f"{RECORDINGS}/", {}),
    (404, "GET", f"{RECORDINGS}/abc", {}),
    (404, "GET", "/api/recordings/abc", {}),
    (404, "GET", "/speakers/suggestions/abc", {}),
    (405, "PUT", RECORDINGS, {}),
    (405, "PATCH", f"{API}/tags/1", {}),
    (400, "POST", f"{API}/tags", {"content": b"{"}),
    (400, "POST", f"{API}/tags", {"content": b"a=b", "headers": {"Content-Type": "text/plain"}}),
    (400, "POST", UPLOAD, {"content": b"sound", "headers": {"Content-Type": "audio/wav"}}),
    (413, "POST", UPLOAD, {"content": b"", "headers": {"Content-Length": str(2000 * MEGABYTE)}}),
]


def test_every_error_is_json_with_a_sentence(door: Door) -> None:
    for status, method, path, rest in WRONG:
        refusal(bearer(door).ask(method, path, **rest), status)


def test_what_nobody_foresaw_is_json_too(world: World) -> None:
    def broken() -> None:
        raise ZeroDivisionError("a secret of ours")

    door = Door(world)
    door.token(world.ann)
    door.client.app.state.core = replace(world.core, now=broken)  # type: ignore[attr-defined]
    assert "secret" not in refusal(phone(door).ask("GET", f"{API}/stats"), 500)


# meeting_date ignored on upload
def test_the_date_of_a_meeting_counts_on_upload_and_nobody_is_told_twice(door: Door) -> None:
    hook(door.world, events=["recording.created", "recording.updated"])
    said = "2026-03-02T09:15:00Z"
    uploaded = phone(door).uploaded(meeting_date=said, file_last_modified="1764000000000", notes="Weekly")
    assert uploaded["meeting_date"] == said
    assert phone(door).get(f"{RECORDINGS}/{uploaded['id']}")["meeting_date"] == said
    told = door.world.rows("SELECT event_type FROM webhook_deliveries")
    assert [row.event_type for row in told] == ["recording.created"]
    by_file = phone(door).uploaded(file_last_modified="1764000000000")["meeting_date"]
    assert moment(by_file).timestamp() == 1764000000


# Short request timeouts / low body cap
def test_uploads_may_be_large_and_slow(door: Door) -> None:
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    # Said to be so long, and broken off: it is not refused for its size.
    large = bearer(door).ask("POST", UPLOAD, content=b"--x", headers={**form, "Content-Length": str(990 * MEGABYTE)})
    assert "broken" in refusal(large, 400)

    def slowly() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        for _ in range(10):
            door.world.clock.pass_by(60)
            yield b"sound"
        yield b"\r\n--x--\r\n"

    slow = bearer(door).ask("POST", UPLOAD, content=slowly(), headers=form)
    assert (slow.status_code, slow.json()["file_size"]) == (202, 50)


# History key
def test_what_was_said_before_reaches_the_model_under_either_key(world: World) -> None:
    model = ScriptedModel("Bob will.")
    world.core = replace(world.core, language_model=model)
    recording = talk(world, 0, 1)
    history = [{"role": "user", "text": "Who is here?"}, {"role": "assistant", "content": "Ann and Bob."}]
    asked = {"message": "Who writes?", "conversation_history": history}
    answer = phone(Door(world)).ask("POST", f"{RECORDINGS}/{recording.id}/chat", json=asked)
    assert (answer.status_code, answer.json()) == (200, {"response": "Bob will.", "sources": []})
    ((system, *rest),) = model.asked
    assert (system["role"], "Sentence 1." in system["content"]) == ("system", True)
    assert rest == [
        {"role": "user", "content": "Who is here?"},
        {"role": "assistant", "content": "Ann and Bob."},
        {"role": "user", "content": "Who writes?"},
    ]


# Fast 10/min processing limit on upload
def test_twenty_five_files_in_a_row_are_taken_and_heavy_work_is_told_when_to_come_back(database: Database) -> None:
    client = bearer(Door(World(database, policy=Policy(rate_limits=True))))
    taken = [client.uploaded(f"{count}.wav", b"%d" % count)["id"] for count in range(25)]
    assert len(set(taken)) == 25
    answers = [client.ask("POST", f"{RECORDINGS}/{number}/transcribe", json={}) for number in taken[:11]]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    refusal(answers[-1], 429)
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert client.upload().status_code == 202
    client.door.world.clock.pass_by(int(answers[-1].headers["Retry-After"]))
    assert client.ask("POST", f"{RECORDINGS}/{taken[10]}/transcribe", json={}).status_code == 200


# Empty `segments` for plain transcripts
def test_segments_are_empty_only_where_nobody_spoke(door: Door) -> None:
    spoken = archive(door).get(f"{RECORDINGS}/{talk(door.world, 0, None).id}/transcript")
    assert spoken["format"] == "json"
    assert [each["sentence"] for each in spoken["segments"]] == ["Sentence 0.", "Sentence 1."]
    for each in spoken["segments"]:
        assert set(each) == {"speaker", "sentence", "start_time", "end_time"}
        assert type(each["speaker"]) is str and is_number(each["start_time"]) and each["start_time"] < each["end_time"]
    silent = archive(door).get(f"{RECORDINGS}/{talk(door.world).id}/transcript")
    # A transcript that is no list of segments would come as `raw`; here none is.
    assert (silent["segments"], "raw" in silent) == ([], False)
    refusal(archive(door).ask("GET", f"{RECORDINGS}/{door.world.upload().id}/transcript"), 404)


# Header/payload timestamp skew
def test_the_times_of_a_first_attempt_are_those_of_the_event_and_of_now(world: World) -> None:
    with Receiver() as receiver, sending(world):
        client = bearer(Door(world))
        asked = {"name": "n8n", "url": receiver.url, "events": ["recording.created"]}
        assert client.ask("POST", f"{API}/webhooks", json=asked).status_code == 201
        client.uploaded()
        until(lambda: receiver.received)
    (found,) = receiver.received
    header, event = moment(found.headers["Speakr-Timestamp"]), moment(json.loads(found.body)["timestamp"])
    assert timedelta(0) <= header - event <= timedelta(seconds=1)
    assert abs(datetime.now(UTC) - header) < timedelta(seconds=60)


def test_a_later_attempt_is_stamped_anew_and_the_event_keeps_its_time(world: World) -> None:
    hook(world)
    happen(world)
    began = world.clock.time
    world.sender.answers = [Response(502, "")]
    send_due(world)
    world.clock.pass_by(400)
    send_due(world)
    (_, first, body), (_, second, same) = world.sender.sent
    assert body == same
    assert moment(json.loads(body)["timestamp"]) == began == moment(first["Speakr-Timestamp"])
    assert moment(second["Speakr-Timestamp"]) == world.clock.time == began + timedelta(seconds=400)
    assert first["Speakr-Delivery-Id"] == second["Speakr-Delivery-Id"] == json.loads(body)["id"]


# No idempotency
def test_an_upload_that_may_have_arrived_is_sent_again_with_its_key(door: Door) -> None:
    key = {"Idempotency-Key": "8d9c6f0e-evidence-1"}
    first, again = archive(door).upload(headers=key, title="A"), archive(door).upload(headers=key, title="A")
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json()["id"] == first.json()["id"]
    assert door.world.count("recordings") == len(door.world.store.objects) == 1
    assert archive(door).uploaded(title="A")["id"] != first.json()["id"]


def test_processing_that_may_have_begun_is_asked_for_again_with_its_key(door: Door) -> None:
    recording = talk(door.world, 0)
    place, key = f"{RECORDINGS}/{recording.id}/transcribe", {"Idempotency-Key": "bridge-1"}
    first = bearer(door).ask("POST", place, json={}, headers=key)
    assert first.status_code == 200
    assert door.post(f"{RECORDINGS}/{recording.id}/cancel", door.world.ann).is_success
    again = bearer(door).ask("POST", place, json={}, headers=key)
    assert (again.status_code, again.json()) == (200, first.json())
    assert bearer(door).ask("POST", place, json={}).json()["job_id"] != first.json()["job_id"]
