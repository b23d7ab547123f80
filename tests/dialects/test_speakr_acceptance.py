"""What Speakr's own tests hold it to, all but webhooks. The numbers are those of the contract's list."""

from dataclasses import replace
from typing import Any

import httpx2
import pytest

from shared.db.database import Database
from shared.domain.accounts import Caller
from shared.services import groups, users
from tests.support.clients import API, RECORDINGS, UPLOAD, moment, refusal
from tests.support.door import Door
from tests.support.office import Office
from tests.support.scripted_model import ScriptedModel
from tests.support.shelf import folder, shelve
from tests.support.talks import talk
from tests.support.world import World


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def door(world: World) -> Door:
    return Door(world)


# 1 to 4: uploads, the user, the document, lists


def test_1_an_upload_without_a_file_is_a_400(door: Door) -> None:
    refusal(door.post(UPLOAD, door.world.ann, files={"notes": (None, b"x")}), 400)
    refusal(door.post(UPLOAD, door.world.ann, files={"file": ("", b"sound", "audio/wav")}), 400)
    refusal(door.post(UPLOAD, door.world.ann), 400)
    assert door.world.count("recordings") == 0


def test_2_users_me_says_who_is_admin_what_they_prefer_and_where_they_belong(door: Door) -> None:
    before = door.get(f"{API}/users/me", door.world.ann).json()
    assert (before["is_admin"], before["preferences"]["auto_summarization"], before["group_memberships"]) == (
        False,
        True,
        [],
    )
    users.change(door.world.db, "ann", {"is_admin": True})
    group = groups.add(door.world.db, "Team")
    groups.join(door.world.db, "Team", "ann", admin=True)
    door.put(f"{API}/settings/auto-summarization", door.world.ann, json={"enabled": False})
    after = door.get(f"{API}/users/me", door.world.ann).json()
    assert (after["is_admin"], after["preferences"]["auto_summarization"]) == (True, False)
    (membership,) = after["group_memberships"]
    assert (membership["group_id"], membership["group_name"], membership["role"]) == (group.id, "Team", "admin")


def test_2_users_me_of_nobody_is_a_401(door: Door) -> None:
    refusal(door.get(f"{API}/users/me"), 401)


def test_3_the_document_lists_users_me_under_users(door: Door) -> None:
    document = door.get(f"{API}/openapi.json").json()
    assert document["paths"]["/users/me"]["get"]["tags"] == ["Users"]


def test_4_list_and_detail_have_durations_folder_exemption_and_the_end(door: Door) -> None:
    place = folder(door.world, "Work")
    known = {"audio_duration": 61.5, "transcription_seconds": 4.5, "summarization_seconds": 1.5}
    ended = {"completed_at": door.world.clock.time, "folder_id": place, "deletion_exempt": True}
    full, bare = shelve(door.world, **known, **ended), shelve(door.world)
    names = ("processing_time_seconds", "transcription_duration_seconds", "summarization_duration_seconds")
    listed = {each["id"]: each for each in door.get(RECORDINGS, door.world.ann).json()["recordings"]}
    for recording_id in (full, bare):
        detail = door.get(f"{RECORDINGS}/{recording_id}", door.world.ann).json()
        for found in (listed[recording_id], detail):
            durations = (found["audio_duration"], *(found[name] for name in names))
            rest = found["folder"], found["deletion_exempt"]
            if recording_id == full:
                assert (durations, rest) == ((61.5, 6.0, 4.5, 1.5), ({"id": place, "name": "Work"}, True))
                assert moment(found["completed_at"]) == door.world.clock.time
            else:
                assert (durations, rest, found["completed_at"]) == ((None,) * 4, (None, False), None)


# 5: batch


def test_5_a_batch_adds_only_tags_that_the_caller_may_use(database: Database) -> None:
    office = Office(database)
    personal, crew = office.new("tags", name="mine")["id"], office.new("tags", name="crew", group_id=office.crew)["id"]
    foreign = office.door.post(f"{API}/tags", office.eve, json={"name": "hers"}).json()["id"]
    recording = office.upload(office.bob)["id"]
    mine = office.upload()["id"]

    def tagged(number: int, caller: Caller) -> list[str]:
        updates = {"add_tag_ids": [foreign, personal, crew]}
        asked = {"recording_ids": [number], "updates": updates}
        answer = office.door.patch(f"{RECORDINGS}/batch", caller, json=asked)
        assert answer.status_code == 200
        assert answer.json()["results"] == [{"id": number, "success": True}]
        return [tag["name"] for tag in office.door.get(f"{RECORDINGS}/{number}", caller).json()["tags"]]

    assert sorted(tagged(mine, office.ann)) == ["crew", "mine"]
    assert tagged(recording, office.bob) == ["crew"]
    assert tagged(office.upload(office.eve)["id"], office.eve) == ["hers"], "neither a member's nor another's"


# 6: assign


def assign(door: Door, recording_id: int, names: Any, caller: Caller | None = None) -> httpx2.Response:
    place = f"{RECORDINGS}/{recording_id}/speakers/assign"
    return door.put(place, caller or door.world.ann, json={"speaker_map": names})


def participants(answer: httpx2.Response) -> str | None:
    assert answer.status_code == 200, answer.text
    return answer.json()["recording"]["participants"]


def test_6_assign_takes_texts_and_objects_and_trims_them(door: Door) -> None:
    recording = talk(door.world, 0, 1).id
    assert participants(assign(door, recording, {"SPEAKER_00": "  Bob ", "SPEAKER_01": {"name": " Eve"}})) == "Bob, Eve"


@pytest.mark.parametrize(("own", "name"), [("Ann Lee", "Ann Lee"), (None, "Me")])
def test_6_me_is_the_name_of_the_user_or_me(door: Door, own: str | None, name: str) -> None:
    if own is not None:
        assert door.patch(f"{API}/users/me", door.world.ann, json={"name": own}).is_success
    recording = talk(door.world, 0).id
    assert participants(assign(door, recording, {"SPEAKER_00": {"isMe": True}})) == name


def test_6_names_stand_in_the_plain_text_too(door: Door) -> None:
    recording = talk(door.world, 0, 1, 0).id
    assign(door, recording, {"SPEAKER_00": "Bob"})
    text = door.get(f"{RECORDINGS}/{recording}/transcript?format=text", door.world.ann).json()["content"]
    assert text.splitlines() == ["[Bob]: Sentence 0.", "[SPEAKER_01]: Sentence 1.", "[Bob]: Sentence 2."]


def test_6_raw_labels_are_no_participants(door: Door) -> None:
    recording = talk(door.world, 0, 1).id
    assert participants(assign(door, recording, {"SPEAKER_00": "SPEAKER_00", "SPEAKER_01": "Eve"})) == "Eve"


def test_6_a_list_for_a_name_is_a_400_and_no_names_are_a_200(door: Door) -> None:
    recording = talk(door.world, 0).id
    refusal(assign(door, recording, {"SPEAKER_00": ["Bob"]}), 400)
    assert participants(assign(door, recording, {})) is None


# 7: identify


def identify(door: Door, recording_id: int, caller: Caller | None = None) -> httpx2.Response:
    return door.post(f"{RECORDINGS}/{recording_id}/speakers/identify", caller or door.world.ann, json={})


def guessing(world: World, answer: str | None) -> Door:
    world.core = replace(world.core, language_model=ScriptedModel(answer))
    return Door(world)


def test_7_whoever_asks_for_names_needs_a_recording_of_theirs_with_labels(world: World) -> None:
    door = guessing(world, "{}")
    refusal(identify(door, 99), 404)
    refusal(identify(door, talk(world, 0).id, world.user("bob")), 403)
    refusal(identify(door, world.upload().id), 400)
    refusal(identify(door, talk(world, None).id), 400)


def test_7_unknown_is_nobody_and_a_model_that_fails_is_an_error(world: World) -> None:
    guessed = identify(guessing(world, '{"SPEAKER_00": "Bob", "SPEAKER_01": "unknown"}'), talk(world, 0, 1).id)
    assert guessed.json() == {"success": True, "speaker_map": {"SPEAKER_00": "Bob", "SPEAKER_01": ""}}
    # Speakr says 500, and 503 where there is no model; one that is away is a 503 here, too.
    refusal(identify(guessing(world, None), talk(world, 0).id), 503)


# 8: summaries by themselves


@pytest.mark.parametrize("body", [b"{}", b"{", b""])
def test_8_a_switch_without_a_word_is_a_400(door: Door, body: bytes) -> None:
    refusal(door.put(f"{API}/settings/auto-summarization", door.world.ann, content=body), 400)
