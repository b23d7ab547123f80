"""Speakers as clients of the Speakr API know them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from shared.db import accounts
from shared.db.database import Database
from shared.domain.accounts import Caller
from shared.domain.errors import Unavailable
from shared.domain.recordings import Recording
from shared.ports import Completion
from tests.support.door import Door
from tests.support.talks import HIGH, HOARSE, LOW, between, talk
from tests.support.world import World

SPEAKERS = "/api/v1/speakers"


class Guesser:
    """A language model that answers as it is told, and keeps what it was asked."""

    name = "guesser"

    def __init__(self, answer: str | None) -> None:
        self.answer = answer
        self.asked: list[Sequence[Mapping[str, str]]] = []

    def complete(
        self, messages: Sequence[Mapping[str, str]], *, max_tokens: int, temperature: float, json: bool = False
    ) -> Completion:
        self.asked.append(messages)
        if self.answer is None:
            raise Unavailable("The language model does not answer.")
        return Completion(self.answer, 70)


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def door(world: World) -> Door:
    return Door(world)


@pytest.fixture
def bob(world: World) -> Caller:
    return world.user("bob")


def address(recording: Recording, rest: str = "") -> str:
    return f"/api/v1/recordings/{recording.id}/speakers{rest}"


def assign(door: Door, recording: Recording, names: Any, **rest: Any) -> dict[str, Any]:
    answer = door.put(address(recording, "/assign"), door.world.ann, json={"speaker_map": names, **rest})
    assert answer.status_code == 200, answer.text
    return answer.json()


def add(door: Door, name: str) -> int:
    return door.post(SPEAKERS, door.world.ann, json={"name": name}).json()["id"]


def test_a_new_speaker_is_answered_bare_with_its_name_trimmed(door: Door, world: World) -> None:
    answer = door.post(SPEAKERS, world.ann, json={"name": "  Ann Lee ", "more": 1})
    assert answer.status_code == 201
    made = answer.json()
    assert made.keys() == {"id", "name", "use_count", "created_at"}
    assert (made["name"], made["use_count"]) == ("Ann Lee", 0)
    assert made["created_at"].endswith("Z")


def test_the_list_has_the_most_used_and_then_the_latest_first(door: Door, world: World) -> None:
    recording = talk(world, 0, 1, 2, voices=(LOW,))
    assert door.get(SPEAKERS, world.ann).json() == {"speakers": []}
    for name in ("Zoe", "Never", "Abe"):
        add(door, name)
    assign(door, recording, {"SPEAKER_00": "Twice"})
    assign(door, recording, {"SPEAKER_00": "Twice", "SPEAKER_01": "Once"})
    world.clock.pass_by(60)
    assign(door, recording, {"SPEAKER_02": "Later"})
    found = door.get(SPEAKERS, world.ann).json()["speakers"]
    assert [each["name"] for each in found] == ["Twice", "Later", "Once", "Abe", "Never", "Zoe"]
    twice, never = found[0], found[4]
    assert twice.keys() == {"id", "name", "use_count", "last_used", "confidence_score", "has_voice_profile"}
    assert (twice["use_count"], twice["has_voice_profile"], twice["confidence_score"]) == (2, True, 0.4)
    assert twice["last_used"].endswith("Z")
    rest = never["use_count"], never["last_used"], never["confidence_score"], never["has_voice_profile"]
    assert rest == (0, None, None, False)


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": " \t"}, {"name": None}, {"name": 5}, {"name": "a" * 256}, [], "x"]
)
def test_a_speaker_needs_a_name(door: Door, world: World, body: Any) -> None:
    mine = add(door, "Ann")
    for answer in (door.post(SPEAKERS, world.ann, json=body), door.put(f"{SPEAKERS}/{mine}", world.ann, json=body)):
        assert answer.status_code == 400
        assert isinstance(answer.json()["error"], str)


@pytest.mark.parametrize("name", ["\\u0000", "\\ud800"])
def test_names_that_no_database_keeps_are_refused(door: Door, world: World, name: str) -> None:
    answer = door.post(SPEAKERS, world.ann, content=f'{{"name": "a{name}"}}'.encode())
    assert answer.status_code == 400


def test_names_are_unique_for_each_user(door: Door, world: World, bob: Caller) -> None:
    ann = add(door, "Ann")
    add(door, "Eve")
    assert door.post(SPEAKERS, world.ann, json={"name": "Eve"}).status_code == 400
    assert door.put(f"{SPEAKERS}/{ann}", world.ann, json={"name": "Eve"}).status_code == 400
    assert door.post(SPEAKERS, bob, json={"name": "Eve"}).status_code == 201
    assert door.put(f"{SPEAKERS}/{ann}", world.ann, json={"name": "eve"}).status_code == 200


def test_a_rename_shows_in_every_recording(door: Door, world: World) -> None:
    recording = talk(world, 0, 1)
    assign(door, recording, {"SPEAKER_00": "Eve", "SPEAKER_01": "Dan"})
    eve = next(each for each in door.get(SPEAKERS, world.ann).json()["speakers"] if each["name"] == "Eve")
    answer = door.put(f"{SPEAKERS}/{eve['id']}", world.ann, json={"name": "Zoe"})
    assert answer.json() == {"success": True, "speaker": {"id": eve["id"], "name": "Zoe", "use_count": 1}}
    detail = door.get(f"/api/v1/recordings/{recording.id}", world.ann).json()
    assert set(detail["participants"].split(", ")) == {"Dan", "Zoe"}
    segments = door.get(f"/api/v1/recordings/{recording.id}/transcript", world.ann).json()["segments"]
    assert [each["speaker"] for each in segments] == ["Zoe", "Dan"]


def test_a_deleted_speaker_leaves_the_name(door: Door, world: World) -> None:
    recording = talk(world, 0, voices=(LOW,))
    assign(door, recording, {"SPEAKER_00": "Eve"})
    eve = door.get(SPEAKERS, world.ann).json()["speakers"][0]["id"]
    gone = door.delete(f"{SPEAKERS}/{eve}", world.ann)
    assert (gone.status_code, gone.json()["success"]) == (200, True)
    assert door.delete(f"{SPEAKERS}/{eve}", world.ann).status_code == 404
    assert world.count("voice_profiles") == 0
    found = door.get(address(recording), world.ann).json()["speakers"]
    expected = {"label": "SPEAKER_00", "identified_name": "Eve", "speaker_id": None, "segment_count": 1}
    assert found == [expected]


def test_nobody_reaches_the_speakers_and_voices_of_others(door: Door, world: World, bob: Caller) -> None:
    recording = talk(world, 0, voices=(LOW,))
    assign(door, recording, {"SPEAKER_00": "Eve"})
    eve = door.get(SPEAKERS, world.ann).json()["speakers"][0]["id"]
    assert door.get(SPEAKERS, bob).json() == {"speakers": []}
    assert door.put(f"{SPEAKERS}/{eve}", bob, json={"name": "Mine"}).status_code == 403
    assert door.delete(f"{SPEAKERS}/{eve}", bob).status_code == 403
    assert door.get(address(recording), bob).status_code == 403
    assert door.put(address(recording, "/assign"), bob, json={"speaker_map": {}}).status_code == 403
    assert door.post(address(recording, "/identify"), bob).status_code == 403
    assert door.get(f"/speakers/suggestions/{recording.id}", bob).status_code == 403
    theirs = talk(world, 0, voices=(LOW,), caller=bob)
    assert door.get(address(theirs), bob).json()["suggestions"] == {}
    assert door.get(f"/speakers/suggestions/{theirs.id}", bob).json()["suggestions"] == {"SPEAKER_00": []}
    assert [each["name"] for each in door.get(SPEAKERS, world.ann).json()["speakers"]] == ["Eve"]


@pytest.mark.parametrize("which", ["999", str(2**63), "1.5", "x"])
def test_what_is_not_there_is_not_found(door: Door, world: World, which: str) -> None:
    calls = [
        door.put(f"{SPEAKERS}/{which}", world.ann, json={"name": "a"}),
        door.delete(f"{SPEAKERS}/{which}", world.ann),
        door.get(f"/api/v1/recordings/{which}/speakers", world.ann),
        door.put(f"/api/v1/recordings/{which}/speakers/assign", world.ann, json={"speaker_map": {}}),
        door.post(f"/api/v1/recordings/{which}/speakers/identify", world.ann),
        door.get(f"/speakers/suggestions/{which}", world.ann),
    ]
    for answer in calls:
        assert answer.status_code == 404
        assert isinstance(answer.json()["error"], str)


def test_nobody_asks_without_a_token(door: Door, world: World) -> None:
    recording = talk(world, 0)
    for path in (SPEAKERS, address(recording), f"/speakers/suggestions/{recording.id}"):
        answer = door.get(path)
        assert answer.status_code == 401
        assert answer.json().keys() >= {"error"}


def test_labels_come_by_first_appearance_with_what_nobody_said(door: Door, world: World) -> None:
    recording = talk(world, 1, None, 0, 1)
    empty = {"identified_name": None, "speaker_id": None}
    assert door.get(address(recording), world.ann).json() == {
        "speakers": [
            {"label": "SPEAKER_01", "segment_count": 2, **empty},
            {"label": "Unknown", "segment_count": 1, **empty},
            {"label": "SPEAKER_00", "segment_count": 1, **empty},
        ],
        "suggestions": {},
    }


def test_a_recording_without_a_transcript_has_no_speakers(door: Door, world: World) -> None:
    recording = world.upload()
    assert door.get(address(recording), world.ann).json() == {"speakers": [], "suggestions": {}}
    answer = door.put(address(recording, "/assign"), world.ann, json={"speaker_map": {"SPEAKER_00": "Ann"}})
    assert answer.status_code == 400


def test_voices_that_are_known_are_suggested_in_percent(door: Door, world: World) -> None:
    assign(door, talk(world, 0, 1, voices=(LOW, HOARSE)), {"SPEAKER_00": "Bob", "SPEAKER_01": "Eve"})
    recording = talk(world, 0, 1, 2, voices=(between(LOW, HIGH, 0.8951), HOARSE, between(LOW, HIGH, 0.65)))
    assign(door, recording, {"SPEAKER_01": "Eve"})
    found = door.get(address(recording), world.ann).json()
    bob, eve = (
        next(p for p in door.get(SPEAKERS, world.ann).json()["speakers"] if p["name"] == n)["id"]
        for n in ("Bob", "Eve")
    )
    assert found["speakers"][1]["identified_name"] == "Eve"
    assert found["speakers"][1]["speaker_id"] == eve
    suggested = {"speaker_id": bob, "name": "Bob", "similarity": 89.5}
    assert found["suggestions"] == {"SPEAKER_00": [suggested]}, "named labels and voices below 70 get none"
    loose = door.get(f"/speakers/suggestions/{recording.id}", world.ann).json()
    assert (loose["success"], loose["recording_id"]) == (True, recording.id)
    assert loose["suggestions"]["SPEAKER_00"] == [{**suggested, "confidence": 0.5}]
    assert [each["similarity"] for each in loose["suggestions"]["SPEAKER_02"]] == [65.0]
    assert [each["name"] for each in loose["suggestions"]["SPEAKER_01"]] == ["Eve"]


def test_assigning_takes_names_and_objects(door: Door, world: World) -> None:
    recording = talk(world, 0, 1, 2, voices=(LOW, HIGH), title="A talk")
    names = {"SPEAKER_00": "  Zoe ", "SPEAKER_01": {"name": " Abe ", "isMe": False, "x": 1}, "SPEAKER_09": "Nobody"}
    answer = assign(door, recording, names)
    assert answer.pop("message")
    assert answer == {
        "success": True,
        "recording": {"id": recording.id, "title": "A talk", "participants": "Abe, Zoe", "status": "COMPLETED"},
        "summary_queued": False,
        "embeddings_updated": 2,
        "snippets_created": 0,
    }
    assert {each["name"] for each in door.get(SPEAKERS, world.ann).json()["speakers"]} == {"Abe", "Zoe"}
    again = assign(door, recording, {"Zoe": "Eve", "SPEAKER_02": "Abe"})
    assert again["recording"]["participants"] == "Abe, Eve"
    segments = door.get(f"/api/v1/recordings/{recording.id}/transcript", world.ann).json()["segments"]
    assert [each["speaker"] for each in segments] == ["Eve", "Abe", "Abe"]


@pytest.mark.parametrize(("own", "expected"), [("Ann Lee", "Ann Lee"), (None, "Me")])
def test_me_is_whoever_asks(door: Door, world: World, own: str | None, expected: str) -> None:
    with world.db.begin() as tx:
        accounts.change_user(tx, world.ann.user_id, name=own)
    recording = talk(world, 0, 1)
    names = {"SPEAKER_00": {"name": "", "isMe": True}, "SPEAKER_01": {"name": "Eve", "isMe": True}}
    assert assign(door, recording, names)["recording"]["participants"] == ", ".join(sorted((expected, "Eve")))


def test_no_name_leaves_a_label_and_a_raw_label_takes_the_name_away(door: Door, world: World) -> None:
    recording = talk(world, 0, 1)
    assign(door, recording, {"SPEAKER_00": "Ann", "SPEAKER_01": "Eve"})
    kept = assign(door, recording, {"SPEAKER_00": " ", "SPEAKER_01": {"name": None}})
    assert kept["recording"]["participants"] == "Ann, Eve"
    taken = assign(door, recording, {"SPEAKER_00": "SPEAKER_00", "SPEAKER_01": "speaker_1"})
    assert taken["recording"]["participants"] is None
    names = [each["name"] for each in door.get(SPEAKERS, world.ann).json()["speakers"]]
    assert sorted(names) == ["Ann", "Eve"], "a raw label is nobody's name"


def test_participants_are_the_named_labels_after_an_assignment(door: Door, world: World) -> None:
    recording = talk(world, 0)
    path = f"/api/v1/recordings/{recording.id}"
    assert door.patch(path, world.ann, json={"participants": "Carl, Dora"}).status_code == 200
    assert assign(door, recording, {})["recording"]["participants"] == "Carl, Dora"
    assert assign(door, recording, {"SPEAKER_00": "Dora"})["recording"]["participants"] == "Dora"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"speaker_map": None},
        {"speaker_map": []},
        {"speaker_map": "SPEAKER_00"},
        {"speaker_map": {"SPEAKER_00": ["Ann"]}},
        {"speaker_map": {"SPEAKER_00": 5}},
        {"speaker_map": {"SPEAKER_00": None}},
        {"speaker_map": {"SPEAKER_00": {"name": 5}}},
        {"speaker_map": {"SPEAKER_00": "a" * 256}},
        {"speaker_map": {"SPEAKER_00": "a\x00"}},
        {"speaker_map": {"SPEAKER_00": "Ann"}, "regenerate_summary": "soon"},
        [],
    ],
)
def test_what_is_no_map_of_names_is_refused_and_changes_nothing(door: Door, world: World, body: Any) -> None:
    recording = talk(world, 0)
    assert door.put(address(recording, "/assign"), world.ann, json=body).status_code == 400
    assert world.count("speakers") == world.count("participants") == 0


def test_an_assignment_may_ask_for_a_new_summary(door: Door, world: World) -> None:
    recording = talk(world, 0)
    answer = assign(door, recording, {"SPEAKER_00": "Ann"}, regenerate_summary=True)
    assert answer["summary_queued"] is True
    assert answer["recording"]["status"] == "SUMMARIZING"


def test_names_stand_where_no_new_summary_can_be_queued(door: Door, world: World) -> None:
    recording = talk(world, 0)
    world.submit(recording)
    answer = assign(door, recording, {"SPEAKER_00": "Ann"}, regenerate_summary=True)
    assert answer["summary_queued"] is False
    assert answer["recording"]["participants"] == "Ann"


def test_an_assignment_and_a_rename_are_told_to_webhooks(door: Door, world: World) -> None:
    recording = talk(world, 0, title="A talk")
    hook = {"name": "all", "url": "https://example.org/", "events": ["recording.updated"]}
    assert door.post("/api/v1/webhooks", world.ann, json=hook).status_code == 201
    assign(door, recording, {"SPEAKER_00": "Ann"})
    ann = door.get(SPEAKERS, world.ann).json()["speakers"][0]["id"]
    door.put(f"{SPEAKERS}/{ann}", world.ann, json={"name": "Anna"})
    told = world.rows("SELECT payload::jsonb -> 'data' AS data FROM webhook_deliveries ORDER BY id")
    said = {"recording_id": recording.id, "title": "A talk", "fields_changed": ["participants", "transcription"]}
    assert [row.data for row in told] == [said, said]


def guessing(world: World, answer: str | None) -> tuple[Door, Guesser]:
    guesser = Guesser(answer)
    world.core = replace(world.core, language_model=guesser)
    return Door(world), guesser


def test_a_language_model_guesses_and_changes_nothing(world: World) -> None:
    door, guesser = guessing(world, '```json\n{"SPEAKER_00": "Ann", "SPEAKER_01": "Unknown", "x": "y"}\n```')
    recording = talk(world, 0, None, 1)
    answer = door.post(address(recording, "/identify"), world.ann, json={})
    assert answer.json() == {"success": True, "speaker_map": {"SPEAKER_00": "Ann", "SPEAKER_01": ""}}
    assert "SPEAKER_01: Sentence 2." in guesser.asked[0][-1]["content"]
    assert world.count("participants") == world.count("speakers") == 0
    assert world.rows("SELECT tokens FROM usage") == [(70,)]


@pytest.mark.parametrize("speakers", [None, (), (None,)])
def test_where_nobody_is_labelled_nobody_is_guessed(world: World, speakers: tuple[None, ...] | None) -> None:
    door, guesser = guessing(world, "{}")
    recording = world.upload() if speakers is None else talk(world, *speakers)
    assert door.post(address(recording, "/identify"), world.ann).status_code == 400
    assert guesser.asked == []


@pytest.mark.parametrize("answer", [None, "I cannot tell.", "[]"])
def test_a_language_model_that_fails_is_told(world: World, answer: str | None) -> None:
    door, _ = guessing(world, answer)
    failed = door.post(address(talk(world, 0), "/identify"), world.ann)
    assert failed.status_code == 503
    assert "language model" in failed.json()["error"]


def test_without_a_language_model_nothing_is_guessed(door: Door, world: World) -> None:
    assert door.post(address(talk(world, 0), "/identify"), world.ann).status_code == 503


def test_a_used_up_budget_buys_no_guesses(world: World) -> None:
    door, guesser = guessing(world, "{}")
    with world.db.begin() as tx:
        accounts.change_user(tx, world.ann.user_id, monthly_token_budget=0)
    assert door.post(address(talk(world, 0), "/identify"), world.ann).status_code == 403
    assert guesser.asked == []
