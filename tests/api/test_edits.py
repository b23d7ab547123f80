"""Edits of one recording: what is given changes, once told; notes and summary of their own."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from shared.db.database import Database
from shared.domain.edits import Changes
from shared.services import edits
from tests.support.office import API, Office, refused
from tests.support.world import ATTEMPT

EVERYTHING = {
    "folder_id": None,
    "is_highlighted": True,
    "is_inbox": False,
    "meeting_date": "2026-01-15T09:00:00+02:00",
    "summary": "Said.",
    "notes": "Nöte 🎉",
    "participants": "Bob,  Ann Lee,, Bob",
    "title": "  New   title ",
}
FIELDS = ["title", "participants", "notes", "summary", "meeting_date", "is_inbox", "is_highlighted", "folder_id"]


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def patch(office: Office, recording: int, caller: Any = None, **body: Any) -> Any:
    return office.door.patch(f"{API}/recordings/{recording}", caller or office.ann, json=body)


def test_all_fields_change_and_are_told_once_in_order(office: Office) -> None:
    recording = office.upload()["id"]
    answer = patch(office, recording, **EVERYTHING).json()
    assert answer == {
        "success": True,
        "recording": {
            "id": recording,
            "title": "New title",
            "participants": "Bob, Ann Lee",
            "notes": "Nöte 🎉",
            "summary": "Said.",
            "meeting_date": "2026-01-15T07:00:00Z",
            "is_inbox": False,
            "is_highlighted": True,
            "folder_id": None,
        },
    }
    assert office.told(recording) == [FIELDS]


def test_title_and_notes_are_told_as_exactly_these_to_webhooks(office: Office) -> None:
    recording = office.upload()["id"]
    office.world.rows(
        "INSERT INTO webhooks (user_id, name, url, allow_http, events, enabled, secret) "
        "VALUES (:user, 'x', 'https://x.example', false, '{recording.updated}', true, 's') RETURNING id",
        user=office.ann.user_id,
    )
    patch(office, recording, notes="n", title="t", nonsense=1)
    import json

    (sent,) = office.world.rows("SELECT payload FROM webhook_deliveries")
    data = {"recording_id": recording, "title": "t", "fields_changed": ["title", "notes"]}
    assert json.loads(sent.payload)["data"] == data


def test_null_removes_what_may_be_missing(office: Office) -> None:
    recording = office.upload()["id"]
    patch(office, recording, **EVERYTHING)
    nothing = {"participants": None, "notes": None, "summary": "", "meeting_date": None}
    answer = patch(office, recording, **nothing).json()["recording"]
    assert {**nothing, "summary": None}.items() <= answer.items()
    assert patch(office, recording, meeting_date=" ").json()["recording"]["meeting_date"] is None


@pytest.mark.parametrize(
    ("sent", "taken"), [("yes", True), ("false", True), ("", False), (1, True), (0, False), (True, True)]
)
def test_marks_take_what_may_be_meant_as_true(office: Office, sent: Any, taken: bool) -> None:
    recording = office.upload()["id"]
    assert patch(office, recording, is_highlighted=sent).json()["recording"]["is_highlighted"] is taken


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "nothing"),
        ([], ""),
        ("title", ""),
        (None, ""),
        ({"keep_audio_only": True}, "keep_audio_only"),
        ({"keep_audio_only": None, "title": "x"}, "keep_audio_only"),
        ({"title": " "}, "title"),
        ({"title": "x" * 201}, "200"),
        ({"title": {}}, "title"),
        ({"title": "\ud800"}, "title"),
        ({"participants": "x" * 501}, "500"),
        ({"participants": ["Bob"]}, "participants"),
        ({"participants": "a\x00"}, "NUL"),
        ({"notes": 5}, "notes"),
        ({"notes": "x" * 100_001}, "notes"),
        ({"summary": {"text": "x"}}, "summary"),
        ({"meeting_date": 1_700_000_000}, "meeting_date"),
        ({"meeting_date": "soon"}, "meeting_date"),
        ({"meeting_date": "0001-01-01T00:00:00+14:00"}, "meeting_date"),
        ({"is_inbox": 0.5}, "is_inbox"),
        ({"is_inbox": []}, "is_inbox"),
        ({"folder_id": "5"}, "folder_id"),
        ({"folder_id": True}, "folder_id"),
    ],
)
def test_what_does_not_fit_changes_nothing(office: Office, body: Any, named: str) -> None:
    import json

    recording = office.upload(title="as it was")["id"]
    said = json.dumps(body).encode()
    assert named in refused(office.door.patch(f"{API}/recordings/{recording}", office.ann, content=said), 400)
    assert office.listed(recording)["title"] == "as it was"
    assert office.told(recording) == []


def test_only_unknown_words_change_nothing_and_are_not_told(office: Office) -> None:
    recording = office.upload()["id"]
    assert patch(office, recording, colour="red").status_code == 200
    assert office.told(recording) == []


def test_who_may_edit(office: Office) -> None:
    recording = office.upload()["id"]
    assert office.door.patch(f"{API}/recordings/{recording}", json={"title": "x"}).status_code == 401
    refused(patch(office, recording, office.bob, title="x"), 403)
    for nothing in (999, 10**30):
        refused(patch(office, nothing, title="x"), 404)
    refused(office.door.put(f"{API}/recordings/{recording}/notes", office.bob, json={"notes": "x"}), 403)
    refused(office.door.get(f"{API}/recordings/{recording}/notes", office.bob), 403)
    refused(office.door.get(f"{API}/recordings/999/notes", office.bob), 404)


def test_a_recording_moves_between_folders(office: Office) -> None:
    recording = office.upload()["id"]
    mine, ours = office.new("folders", name="a"), office.new("folders", name="b", group_id=office.crew)
    hers = office.door.post(f"{API}/folders", office.eve, json={"name": "hers"}).json()
    for folder in (mine, ours):
        assert patch(office, recording, folder_id=folder["id"]).json()["recording"]["folder_id"] == folder["id"]
    for missing in (999, 10**30, -1):
        refused(patch(office, recording, folder_id=missing), 404)
    refused(patch(office, recording, folder_id=hers["id"], title="moved"), 403)
    assert (office.listed(recording)["folder"]["name"], office.listed(recording)["title"]) == (
        "b",
        "Recording - talk.wav",
    )
    assert patch(office, recording, folder_id=None).json()["recording"]["folder_id"] is None


def test_notes_and_summary_are_put_whole(office: Office) -> None:
    recording = office.upload()["id"]
    address = f"{API}/recordings/{recording}"
    assert office.door.get(f"{address}/notes", office.ann).json() == {"notes": None, "has_notes": False}
    for name in ("notes", "summary"):
        put = office.door.put(f"{address}/{name}", office.ann, json={name: "Wörds"})
        assert put.json() == {"success": True, name: "Wörds"}
        for wrong in ({}, {name: 5}, [], {"other": "x"}):
            refused(office.door.put(f"{address}/{name}", office.ann, json=wrong), 400)
    assert office.door.get(f"{address}/notes", office.ann).json() == {"notes": "Wörds", "has_notes": True}
    assert office.door.get(f"{address}/summary", office.ann).json()["summary"] == "Wörds"
    removed = office.door.put(f"{address}/summary", office.ann, json={"summary": None})
    assert removed.json() == {"success": True, "summary": None}
    assert office.told(recording) == [["notes"], ["summary"], ["summary"]]


def test_a_summary_by_hand_is_nobody_elses(office: Office) -> None:
    recording, task = office.world.launched()
    office.world.report(task, *ATTEMPT)
    before = office.door.get(f"{API}/recordings/{recording.id}/summary", office.ann).json()
    assert (before["key_points"], before["model_used"]) == (["a point"], "extractive")
    patch(office, recording.id, summary="Mine.")
    after = office.door.get(f"{API}/recordings/{recording.id}/summary", office.ann).json()
    assert (after["summary"], after["key_points"], after["model_used"]) == ("Mine.", [], None)


def test_a_title_by_hand_stays(office: Office) -> None:
    recording, task = office.world.launched()
    patch(office, recording.id, title="By hand")
    office.world.report(task, *ATTEMPT)
    assert office.listed(recording.id)["title"] == "By hand"


def test_participants_are_listed_as_given_and_labels_keep_their_names(office: Office) -> None:
    recording = office.upload()["id"]
    office.world.rows(
        "INSERT INTO participants (recording_id, name, speaker) VALUES (:id, 'Ann', 0), (:id, 'Bob', 1) RETURNING id",
        id=recording,
    )
    assert patch(office, recording, participants="Zoe, Bob, Ann").json()["recording"]["participants"] == "Zoe, Bob, Ann"
    assert patch(office, recording, participants="Bob").json()["recording"]["participants"] == "Bob"
    assert office.listed(recording)["participants"] == "Bob"
    named = "SELECT name FROM participants WHERE recording_id = :id AND speaker IS NOT NULL ORDER BY speaker"
    assert [row.name for row in office.world.rows(named, id=recording)] == ["Ann", "Bob"]


def test_two_edits_at_once_both_land(office: Office) -> None:
    recording = office.world.upload()
    barrier = Barrier(4)

    def act(changes: Changes) -> None:
        barrier.wait(10)
        edits.edit(office.world.core, office.ann, recording.id, changes)

    for turn in range(5):
        wanted: list[Changes] = [
            {"title": f"title {turn}"},
            {"notes": f"notes {turn}"},
            {"participants": f"Ann {turn}, Bob"},
            {"participants": f"Zoe {turn}", "is_inbox": False},
        ]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(act, wanted))
        found = office.world.recording(recording)
        assert (found.title, found.is_inbox) == (f"title {turn}", False)
        assert found.participants in ((f"Ann {turn}", "Bob"), (f"Zoe {turn}",))
        assert edits.notes(office.world.core, office.ann, recording.id) == f"notes {turn}"
    assert office.world.kinds(recording).count("recording.updated") == 20


def test_null_is_no_title_and_not_true(office: Office) -> None:
    recording = office.upload(title="as it was")["id"]
    body = {"title": None, "is_inbox": None, "is_highlighted": None}
    answer = office.door.patch(f"{API}/recordings/{recording}", office.ann, json=body)
    changed = answer.json()["recording"]
    assert (changed["title"], changed["is_inbox"], changed["is_highlighted"]) == ("as it was", False, False)
