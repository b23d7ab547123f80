"""Folders: the switch, the bare list, rights, and what becomes of recordings in them."""

from typing import Any

import pytest

from shared.db.database import Database
from shared.domain.accounts import Role
from tests.support.office import API, Office, refused

FOLDERS = f"{API}/folders"
SHOWN = {
    "id", "name", "color", "group_id", "is_group_folder", "group_name", "custom_prompt", "default_language",
    "default_min_speakers", "default_max_speakers", "default_hotwords", "default_initial_prompt",
    "default_transcription_model", "protect_from_deletion", "retention_days", "auto_share_on_apply",
    "share_with_group_lead", "naming_template_id", "naming_template_name", "export_template_id",
    "export_template_name", "created_at", "recording_count",
}  # fmt: skip


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def test_a_folder_is_bare_everywhere(office: Office) -> None:
    made = office.new("folders", name=" Client  calls ", default_hotwords="Acme", auto_share_on_apply=False)
    assert made.keys() == SHOWN
    expected = {"name": "Client calls", "color": "#10B981", "default_hotwords": "Acme", "auto_share_on_apply": False}
    assert {**expected, "recording_count": 0, "share_with_group_lead": True}.items() <= made.items()
    assert made["created_at"].endswith("Z")
    one = office.door.get(f"{FOLDERS}/{made['id']}", office.ann).json()
    assert one == {**made, "can_edit": True}
    assert office.door.get(FOLDERS, office.ann).json() == [{**one, "user_role": None}]
    changed = office.door.patch(f"{FOLDERS}/{made['id']}", office.ann, json={"name": "Calls"}).json()
    assert changed == {**made, "name": "Calls"}
    assert office.door.put(f"{FOLDERS}/{made['id']}", office.ann, json={}).json() == changed
    assert office.door.delete(f"{FOLDERS}/{made['id']}", office.ann).json() == {"success": True}


def test_own_folders_come_first_with_roles_in_the_others(office: Office) -> None:
    office.new("folders", name="a", group_id=office.crew)
    office.new("folders", name="z")

    def rows(caller: Any) -> list[tuple[Any, ...]]:
        found = office.door.get(FOLDERS, caller).json()
        return [(each["name"], each["group_name"], each["can_edit"], each["user_role"]) for each in found]

    assert rows(office.ann) == [("z", None, True, None), ("a", "crew", True, "admin")]
    assert rows(office.bob) == [("a", "crew", False, "member")]
    assert rows(office.eve) == []


def test_folders_that_are_switched_off_are_not_there(office: Office) -> None:
    folder = office.new("folders", name="before")
    recording = office.upload(folder_id=str(folder["id"]))["id"]
    office.rule(folders=False)
    assert office.door.get(FOLDERS, office.ann).json() == []
    address = f"{FOLDERS}/{folder['id']}"
    assert office.door.get(address, office.ann).status_code == 200
    literal = "Folders feature is not enabled"
    assert refused(office.door.post(FOLDERS, office.ann, json={"name": "x"}), 403) == literal
    assert refused(office.door.patch(address, office.ann, json={"name": "x"}), 403) == literal
    assert refused(office.door.delete(address, office.ann), 403) == literal
    body = {"folder_id": folder["id"]}
    assert refused(office.door.patch(f"{API}/recordings/{recording}", office.ann, json=body), 403) == literal
    batch = {"recording_ids": [recording], "updates": body}
    assert refused(office.door.patch(f"{API}/recordings/batch", office.ann, json=batch), 403) == literal
    # Clients that send all they know say null; there is no folder to take it out of.
    body = {"title": "kept", "folder_id": None}
    assert office.door.patch(f"{API}/recordings/{recording}", office.ann, json=body).is_success
    assert office.upload(folder_id=str(folder["id"]))["folder"] is None


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({}, 400, "name"),
        ({"name": " "}, 400, "name"),
        ({"name": "x" * 101}, 400, "100"),
        ({"name": "x", "color": "#fff"}, 400, "color"),
        ({"name": "x", "default_initial_prompt": "\x00"}, 400, "NUL"),
        ({"name": "x", "auto_share_on_apply": 1}, 400, "auto_share_on_apply"),
        ({"name": "x", "group_id": "1"}, 400, "group_id"),
        ({"name": "x", "naming_template_id": 1}, 404, "naming template"),
        ({"name": "x", "export_template_id": 10**30}, 404, "export template"),
        ([1], 400, ""),
    ],
)
def test_what_cannot_be_a_folder_is_refused(office: Office, body: Any, status: int, named: str) -> None:
    assert named in refused(office.door.post(FOLDERS, office.ann, json=body), status)
    assert office.world.count("folders") == 0


def test_a_null_template_is_no_template(office: Office) -> None:
    assert office.new("folders", name="x", naming_template_id=None)["naming_template_id"] is None


def test_names_are_taken_once_per_person_and_group(office: Office) -> None:
    office.new("folders", name="x")
    refused(office.door.post(FOLDERS, office.ann, json={"name": "x"}), 400)
    office.new("folders", name="x", group_id=office.crew)
    refused(office.door.post(FOLDERS, office.ann, json={"name": "x", "group_id": office.crew}), 400)
    assert office.door.post(FOLDERS, office.eve, json={"name": "x"}).status_code == 201


def test_who_sees_changes_and_deletes_a_folder(office: Office) -> None:
    personal, shared = office.new("folders", name="mine"), office.new("folders", name="ours", group_id=office.crew)
    for folder, caller, sees, changes in (
        (personal, office.bob, 403, 403),
        (shared, office.bob, 200, 403),
        (shared, office.eve, 403, 403),
        (shared, office.ann, 200, 200),
        (personal, office.ann, 200, 200),
    ):
        address = f"{FOLDERS}/{folder['id']}"
        assert office.door.get(address, caller).status_code == sees
        assert office.door.patch(address, caller, json={"color": "#000000"}).status_code == changes
        assert office.door.delete(address, caller).status_code == changes
    refused(office.door.post(FOLDERS, office.bob, json={"name": "x", "group_id": office.crew}), 403)
    for nothing in (personal["id"], 10**17, 10**30, "x"):
        for method in ("GET", "PATCH", "DELETE"):
            refused(office.door.request(method, f"{FOLDERS}/{nothing}", office.ann, json={}), 404)


def test_a_folder_goes_to_a_group_and_back(office: Office) -> None:
    folder = office.new("folders", name="x")
    address = f"{FOLDERS}/{folder['id']}"
    mine = office.upload(folder_id=str(folder["id"]))["id"]
    foreign = office.group("foreign", bob=Role.ADMIN)
    refused(office.door.patch(address, office.ann, json={"group_id": foreign}), 403)
    refused(office.door.patch(address, office.ann, json={"group_id": 999}), 403)
    shared = office.door.patch(address, office.ann, json={"group_id": office.crew}).json()
    assert (shared["is_group_folder"], shared["group_name"]) == (True, "crew")
    bobs = office.upload(office.bob, folder_id=str(folder["id"]))
    assert bobs["folder"]["recording_count"] == 2
    back = office.door.patch(address, office.ann, json={"group_id": None}).json()
    # What is not ann's has left her personal folder.
    assert (back["is_group_folder"], back["recording_count"]) == (False, 1)
    assert office.listed(mine)["folder"] == {"id": folder["id"], "name": "x"}
    refused(office.door.get(address, office.bob), 403)


def test_a_folder_cannot_go_where_its_name_is_taken(office: Office) -> None:
    office.new("folders", name="x", group_id=office.crew)
    mine = office.new("folders", name="x")
    refused(office.door.patch(f"{FOLDERS}/{mine['id']}", office.ann, json={"group_id": office.crew}), 400)
    assert office.door.get(f"{FOLDERS}/{mine['id']}", office.ann).json()["group_id"] is None


def test_a_deleted_folder_leaves_its_recordings_in_none(office: Office) -> None:
    folder = office.new("folders", name="x")
    recording = office.upload(folder_id=str(folder["id"]))["id"]
    assert office.door.get(f"{FOLDERS}/{folder['id']}", office.ann).json()["recording_count"] == 1
    office.door.delete(f"{FOLDERS}/{folder['id']}", office.ann)
    assert office.listed(recording)["folder"] is None


@pytest.mark.parametrize(
    ("auto_deletion", "made", "changed"),
    [(True, (-1, True), (-1, True)), (False, (-1, False), (30, False))],
)
def test_kept_for_ever_protects_only_where_anything_is_deleted(
    database: Database, auto_deletion: bool, made: tuple[int, bool], changed: tuple[int, bool]
) -> None:
    office = Office(database, auto_deletion=auto_deletion)

    def said(folder: dict[str, Any]) -> tuple[int, bool]:
        return folder["retention_days"], folder["protect_from_deletion"]

    assert said(office.new("folders", name="new", retention_days=-1)) == made
    folder = office.new("folders", name="x", retention_days=30)
    address = f"{FOLDERS}/{folder['id']}"
    assert said(office.door.patch(address, office.ann, json={"retention_days": -1}).json()) == changed
    assert said(office.door.patch(address, office.ann, json={"retention_days": 0}).json()) == (None, False)
