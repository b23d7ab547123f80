"""Tags: envelopes, names, defaults and rights."""

import json
from typing import Any

import pytest

from shared.db.database import Database
from shared.domain.accounts import Role
from tests.support.office import API, Office, refused

TAGS = f"{API}/tags"
SHOWN = {
    "id", "name", "color", "custom_prompt", "default_language", "default_min_speakers", "default_max_speakers",
    "protect_from_deletion", "default_hotwords", "default_initial_prompt", "default_transcription_model",
    "retention_days",
}  # fmt: skip


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def test_a_new_tag_is_answered_bare_and_listed_in_an_envelope(office: Office) -> None:
    made = office.new("tags", name="  Team   work ", default_language="German", default_min_speakers=2)
    assert made.keys() == SHOWN | {"is_group_tag", "group_id"}
    expected = ("Team work", "#3B82F6", "de", 2, False, None)
    assert tuple(made[key] for key in ("name", "color", "default_language", "default_min_speakers")) == expected[:4]
    assert (made["is_group_tag"], made["group_id"]) == expected[4:]
    assert office.door.get(TAGS, office.ann).json() == {"tags": [{**made, "can_edit": True}]}


def test_own_tags_come_by_name_and_those_of_groups_after_them(office: Office) -> None:
    office.new("tags", name="apple", group_id=office.crew)
    for name in ("pear", "Banana", "cherry"):
        office.new("tags", name=name)
    office.door.post(TAGS, office.eve, json={"name": "not for ann"})

    def names(caller: Any) -> list[tuple[str, bool]]:
        return [(tag["name"], tag["can_edit"]) for tag in office.door.get(TAGS, caller).json()["tags"]]

    assert names(office.ann) == [("Banana", True), ("cherry", True), ("pear", True), ("apple", True)]
    assert names(office.bob) == [("apple", False)]
    assert names(office.eve) == [("not for ann", True)]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "name"),
        ({"name": " \t"}, "name"),
        ({"name": None}, "name"),
        ({"name": 5}, "name"),
        ({"name": "x" * 51}, "50"),
        ({"name": "a\x00b"}, "NUL"),
        ({"name": "\ud800"}, "name"),
        ({"name": "x", "color": "blue"}, "color"),
        ({"name": "x", "color": "#12345g"}, "color"),
        ({"name": "x", "default_language": "klingon"}, "klingon"),
        ({"name": "x", "default_transcription_model": "gpt-99"}, "gpt-99"),
        ({"name": "x", "default_min_speakers": 3, "default_max_speakers": 2}, "min_speakers"),
        ({"name": "x", "default_min_speakers": 0}, "min_speakers"),
        ({"name": "x", "default_max_speakers": 10**400}, "max_speakers"),
        ({"name": "x", "default_max_speakers": "3"}, "default_max_speakers"),
        ({"name": "x", "default_max_speakers": True}, "default_max_speakers"),
        ({"name": "x", "protect_from_deletion": "yes"}, "protect_from_deletion"),
        ({"name": "x", "retention_days": -2}, "retention_days"),
        ({"name": "x", "retention_days": 10**30}, "retention_days"),
        ({"name": "x", "custom_prompt": "y" * 10_001}, "custom_prompt"),
        ({"name": "x", "custom_prompt": ["y"]}, "custom_prompt"),
        ([], ""),
        ("name", ""),
        (None, ""),
    ],
)
def test_what_cannot_be_a_tag_is_refused_by_name(office: Office, body: Any, named: str) -> None:
    import json

    said = json.dumps(body).encode()
    assert named in refused(office.door.post(TAGS, office.ann, content=said), 400)
    assert office.world.count("tags") == 0


def test_a_name_is_taken_once_per_person_and_once_per_group(office: Office) -> None:
    tag = office.new("tags", name="Ünïcode 🎉")
    assert "Ünïcode" in refused(office.door.post(TAGS, office.ann, json={"name": "Ünïcode 🎉 "}), 400)
    office.new("tags", name="Ünïcode 🎉", group_id=office.crew)
    refused(office.door.post(TAGS, office.ann, json={"name": "Ünïcode 🎉", "group_id": office.crew}), 400)
    assert office.door.post(TAGS, office.bob, json={"name": "Ünïcode 🎉"}).status_code == 201
    other = office.new("tags", name="other")
    refused(office.door.put(f"{TAGS}/{other['id']}", office.ann, json={"name": tag["name"], "color": "#000000"}), 400)
    same = office.door.put(f"{TAGS}/{tag['id']}", office.ann, json={"name": tag["name"]})
    assert same.status_code == 200
    assert {each["color"] for each in office.door.get(TAGS, office.ann).json()["tags"]} == {"#3B82F6"}


@pytest.mark.parametrize("group", ["member", "other", "unknown", 0, 10**30])
def test_only_admins_make_tags_of_a_group(office: Office, group: Any) -> None:
    ids = {"member": office.crew, "other": office.group("other", ann=Role.ADMIN), "unknown": 999}
    body = {"name": "x", "group_id": ids.get(group, group)}
    assert refused(office.door.post(TAGS, office.bob, json=body), 403)


def test_a_change_changes_what_is_given(office: Office) -> None:
    tag = office.new("tags", name="a", default_max_speakers=4, custom_prompt="Look.", retention_days=7)
    address = f"{TAGS}/{tag['id']}"
    answer = office.door.put(address, office.ann, json={"custom_prompt": " ", "color": "#AbCdEf", "colour": 1})
    assert answer.json().keys() == {"success", "tag"}
    assert answer.json()["tag"].keys() == SHOWN
    expected = {"name": "a", "custom_prompt": None, "color": "#AbCdEf", "default_max_speakers": 4, "retention_days": 7}
    assert expected.items() <= answer.json()["tag"].items()
    refused(office.door.put(address, office.ann, json={}), 400)
    refused(office.door.put(address, office.ann, json={"name": " "}), 400)
    # The other bound is there already.
    assert "min_speakers" in refused(office.door.put(address, office.ann, json={"default_min_speakers": 5}), 400)
    assert office.door.put(address, office.ann, json={"retention_days": 0}).json()["tag"]["retention_days"] is None
    assert office.door.patch(address, office.ann, json={"name": "b"}).status_code == 405


def test_who_may_change_and_delete_a_tag(office: Office) -> None:
    personal, shared = office.new("tags", name="mine"), office.new("tags", name="ours", group_id=office.crew)
    for tag, caller, status in (
        (personal, office.bob, 403),
        (shared, office.bob, 403),
        (shared, office.eve, 403),
        (shared, office.ann, 200),
        (personal, office.ann, 200),
    ):
        address = f"{TAGS}/{tag['id']}"
        assert office.door.put(address, caller, json={"color": "#000000"}).status_code == status
        assert office.door.delete(address, caller).status_code == status
    for nothing in (personal["id"], 10**17, 10**30, "x"):
        refused(office.door.put(f"{TAGS}/{nothing}", office.ann, json={"color": "#000000"}), 404)
        refused(office.door.delete(f"{TAGS}/{nothing}", office.ann), 404)


def test_a_deleted_tag_leaves_its_recordings(office: Office) -> None:
    tag = office.new("tags", name="a")
    recording = office.upload(**{"tag_ids[0]": str(tag["id"])})
    assert office.door.delete(f"{TAGS}/{tag['id']}", office.ann).json()["success"] is True
    assert office.listed(recording["id"])["tags"] == []


def test_tags_are_put_on_a_recording_once_each_in_order(office: Office) -> None:
    a, b, shared = (office.new("tags", **each) for each in _three(office))
    foreign = office.door.post(TAGS, office.eve, json={"name": "hers"}).json()
    recording = office.upload()["id"]
    address = f"{API}/recordings/{recording}/tags"
    wanted = [b["id"], foreign["id"], shared["id"], b["id"], 10**17, 10**30, -1]
    answer = office.door.post(address, office.ann, json={"tag_ids": wanted}).json()
    assert answer["success"] is True
    assert answer["added_tags"] == [{"id": b["id"], "name": "b"}, {"id": shared["id"], "name": "c"}]
    assert len(answer["errors"]) == 4
    again = office.door.post(address, office.ann, json={"tag_id": b["id"]}).json()
    assert (again["added_tags"], again["errors"]) == ([], None)
    assert office.door.post(address, office.ann, json={"tag_id": a["id"]}).json()["added_tags"][0]["name"] == "a"
    assert [tag["name"] for tag in office.listed(recording)["tags"]] == ["b", "c", "a"]
    assert office.told(recording) == [["tags"], ["tags"]]


def _three(office: Office) -> list[dict[str, Any]]:
    return [{"name": "a"}, {"name": "b"}, {"name": "c", "group_id": office.crew}]


def test_a_tag_is_taken_off_once(office: Office) -> None:
    tag = office.new("tags", name="a")
    recording = office.upload(tag_id=str(tag["id"]))["id"]
    address = f"{API}/recordings/{recording}/tags"
    refused(office.door.delete(f"{address}/{tag['id']}", office.bob), 403)
    assert office.door.delete(f"{address}/{tag['id']}", office.ann).json()["success"] is True
    refused(office.door.delete(f"{address}/{tag['id']}", office.ann), 404)
    refused(office.door.delete(f"{address}/999", office.ann), 404)
    assert office.told(recording) == [["tags"]]


def test_tags_for_recordings_of_others_and_none(office: Office) -> None:
    tag = office.new("tags", name="ours", group_id=office.crew)
    recording = office.upload()["id"]
    body = {"tag_ids": [tag["id"]]}
    refused(office.door.post(f"{API}/recordings/{recording}/tags", office.bob, json=body), 403)
    refused(office.door.post(f"{API}/recordings/999/tags", office.bob, json=body), 404)
    for wrong in (
        {},
        {"tag_ids": []},
        {"tag_ids": "1"},
        {"tag_ids": [1] * 101},
    ):
        refused(office.door.post(f"{API}/recordings/{recording}/tags", office.ann, json=wrong), 400)


def test_what_is_no_number_is_an_error_of_its_own(office: Office) -> None:
    tag, recording = office.new("tags", name="ours"), office.upload()["id"]
    body = {"tag_ids": ["1", tag["id"], True, None, 10**30, [], {"a": "\ud800"}]}
    answer = office.door.post(f"{API}/recordings/{recording}/tags", office.ann, content=json.dumps(body)).json()
    assert [each["id"] for each in answer["added_tags"]] == [tag["id"]]
    assert len(answer["errors"]) == 6


def test_nobody_gets_nothing(office: Office) -> None:
    assert office.door.get(TAGS).status_code == 401
    assert office.door.post(TAGS, json={"name": "x"}).status_code == 401
