"""Batches: each item has its own outcome, in order; 500 take as many statements as 5."""

import json
from typing import Any

import pytest

from shared.db.database import Database
from shared.domain.accounts import Caller
from tests.support.office import API, Office, refused, statements

BATCH = f"{API}/recordings/batch"


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def send(office: Office, method: str, ids: Any, caller: Any = None, path: str = "", **body: Any) -> Any:
    body = {"recording_ids": ids, **body}
    return office.door.request(method, BATCH + path, caller or office.ann, json=body)


def change(office: Office, ids: Any, caller: Any = None, **updates: Any) -> Any:
    return send(office, "PATCH", ids, caller, updates=updates)


def test_outcomes_come_in_order_and_repeats_count_twice(office: Office) -> None:
    first, second = office.upload()["id"], office.upload()["id"]
    foreign = office.upload(office.bob)["id"]
    answer = change(office, [second, foreign, first, 999, second], is_inbox=False, is_highlighted="yes").json()
    assert (answer["success"], answer["updated"], answer["failed"]) == (True, 3, 2)
    assert [(each["id"], each["success"]) for each in answer["results"]] == [
        (second, True),
        (foreign, False),
        (first, True),
        (999, False),
        (second, True),
    ]
    assert ["error" in each for each in answer["results"]] == [False, True, False, True, False]
    assert (office.listed(second)["is_inbox"], office.listed(second)["is_highlighted"]) == (False, True)
    assert office.told(second) == office.told(first) == [["is_inbox", "is_highlighted"]]
    assert office.told(foreign) == []


def test_what_is_no_id_is_not_there(office: Office) -> None:
    recording = office.upload()["id"]
    odd = f'["a", {recording}, null, 1.5, true, NaN, 1e400, {10**400}, -1, {{}}, "\\ud800", "{recording}", [[]]]'
    sent = f'{{"recording_ids": {odd}, "updates": {{"is_inbox": false}}}}'.encode()
    answer = office.door.patch(BATCH, office.ann, content=sent)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["updated"], answer.json()["failed"]) == (1, 12)
    for method, path in (("POST", "/transcribe"), ("DELETE", "")):
        answer = office.door.request(method, BATCH + path, office.ann, content=sent)
        assert answer.json()["failed"] == 12


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        "5",
        '{"recording_ids": [], "updates": {"is_inbox": true}}',
        '{"recording_ids": {}, "updates": {"is_inbox": true}}',
        '{"recording_ids": "1", "updates": {"is_inbox": true}}',
        '{"recording_ids": [1]}',
        '{"recording_ids": [1], "updates": {}}',
        '{"recording_ids": [1], "updates": []}',
        '{"recording_ids": [1], "updates": null}',
        '{"recording_ids": [1], "updates": {"add_tag_ids": 5}}',
        '{"recording_ids": [1], "updates": {"folder_id": "5"}}',
        json.dumps({"recording_ids": [1] * 501, "updates": {"is_inbox": True}}),
        json.dumps({"recording_ids": [1], "updates": {"add_tag_ids": [1] * 101}}),
    ],
)
def test_what_is_no_batch_is_refused(office: Office, body: str) -> None:
    refused(office.door.patch(BATCH, office.ann, content=body), 400)


def test_unknown_words_are_passed_over(office: Office) -> None:
    recording = office.upload()["id"]
    body = f'{{"recording_ids": [{recording}], "updates": {{"\\ud800": 1, "colour": []}}, "more": 1}}'
    assert office.door.patch(BATCH, office.ann, content=body).json()["updated"] == 1
    assert office.told(recording) == []


@pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/transcribe")])
def test_the_others_need_ids_too(office: Office, method: str, path: str) -> None:
    for ids in ([], None, {}, "1", [1] * 101):
        refused(send(office, method, ids, path=path), 400)
    refused(office.door.request(method, BATCH + path, office.ann), 400)


def test_tags_are_added_and_removed_and_foreign_ones_passed_over(office: Office) -> None:
    a, b = office.new("tags", name="a"), office.new("tags", name="b", group_id=office.crew)
    hers = office.door.post(f"{API}/tags", office.eve, json={"name": "hers"}).json()
    ids = [office.upload()["id"], office.upload(tag_id=str(a["id"]))["id"]]
    odd = [hers["id"], b["id"], "x", 10**30, None]
    assert change(office, ids, add_tag_ids=odd, remove_tag_ids=[a["id"], 10**30]).json()["updated"] == 2
    assert [[tag["name"] for tag in office.listed(each)["tags"]] for each in ids] == [["b"], ["b"]]
    assert office.told(ids[0]) == [["tags"]]
    # Nothing that counts: well done, and nothing to tell.
    assert change(office, ids, add_tag_ids=[hers["id"]]).json()["updated"] == 2
    assert office.told(ids[0]) == [["tags"]]


def test_a_bad_folder_fails_the_whole_call(office: Office) -> None:
    recording = office.upload()["id"]
    mine = office.new("folders", name="mine")["id"]
    hers = office.door.post(f"{API}/folders", office.eve, json={"name": "hers"}).json()["id"]
    refused(change(office, [recording], folder_id=999, is_inbox=False), 404)
    refused(change(office, [recording], folder_id=10**30), 404)
    refused(change(office, [recording], folder_id=hers, is_inbox=False), 403)
    assert office.listed(recording)["is_inbox"] is True
    assert change(office, [recording, 999], folder_id=mine).json()["updated"] == 1
    assert office.listed(recording)["folder_id"] == mine
    assert change(office, [recording], folder_id=None).json()["updated"] == 1
    assert office.listed(recording)["folder_id"] is None


def test_500_recordings_take_as_many_statements_as_5(office: Office) -> None:
    tag = office.new("tags", name="a")["id"]
    made = office.world.rows(
        "INSERT INTO recordings (uuid, user_id, title, title_given, status, original_filename, mime_type, file_size, "
        "audio_key) SELECT gen_random_uuid(), :user, 'Title ' || n, true, 'completed', 'a.wav', 'audio/wav', 5, "
        "'audio/' || n FROM generate_series(1, 500) n RETURNING id",
        user=office.ann.user_id,
    )
    ids = [row.id for row in made]
    counts = []
    for some in (ids[:5], ids):
        with statements(office.world.db) as seen:
            answer = change(office, some, is_highlighted=True, add_tag_ids=[tag], remove_tag_ids=[999])
        assert (answer.status_code, answer.json()["updated"]) == (200, len(some))
        counts.append(len(seen))
    assert counts[1] <= counts[0] <= 16, counts
    assert office.world.rows("SELECT count(*) FROM recording_tags")[0][0] == 500
    assert office.world.rows("SELECT count(*) FROM events WHERE kind = 'recording.updated'")[0][0] == 505


def test_deleted_recordings_are_gone_with_their_audio(office: Office) -> None:
    first, second, foreign = office.upload()["id"], office.upload()["id"], office.upload(office.bob)["id"]
    answer = send(office, "DELETE", [first, foreign, first, 999]).json()
    assert (answer["success"], answer["deleted"], answer["failed"]) == (True, 1, 3)
    assert [each["success"] for each in answer["results"]] == [True, False, False, False]
    assert office.door.get(f"{API}/recordings/{first}", office.ann).status_code == 404
    assert len(office.world.store.objects) == 2
    assert office.listed(second)["id"] == second


def test_administrators_may_delete_by_batch_what_they_may_not_see(office: Office) -> None:
    recording = office.upload()["id"]
    root = _admin(office)
    refused(office.door.delete(f"{API}/recordings/{recording}", root), 403)
    assert change(office, [recording], root, is_inbox=False).json()["failed"] == 1
    assert send(office, "DELETE", [recording], root).json()["deleted"] == 1


def _admin(office: Office) -> Caller:
    root = office.world.user("root")
    office.world.rows("UPDATE users SET is_admin = true WHERE id = :id RETURNING id", id=root.user_id)
    return root


def test_where_users_cannot_delete_only_administrators_can(database: Database) -> None:
    office = Office(database, users_can_delete=False)
    recording = office.upload()["id"]
    refused(send(office, "DELETE", [recording]), 403)
    assert send(office, "DELETE", [recording], _admin(office)).json()["deleted"] == 1


def test_a_protected_tag_does_not_keep_people_from_deleting(office: Office) -> None:
    tag = office.new("tags", name="keep", protect_from_deletion=True, retention_days=-1)
    recording = office.upload(tag_id=str(tag["id"]))["id"]
    assert send(office, "DELETE", [recording]).json()["deleted"] == 1


def test_transcriptions_are_queued_one_job_each(office: Office) -> None:
    first, foreign = office.upload()["id"], office.upload(office.bob)["id"]
    answer = send(office, "POST", [first, 999, foreign, first], path="/transcribe").json()
    assert (answer["success"], answer["queued"], answer["failed"]) == (True, 2, 2)
    (job,) = office.world.rows("SELECT id FROM jobs WHERE recording_id = :id", id=first)
    assert answer["results"][0] == answer["results"][3] == {"id": first, "success": True, "job_id": job.id}
    assert set(answer["results"][1]) == {"id", "success", "error"}


def test_a_token_needs_the_scope_of_the_batch(office: Office) -> None:
    recording = office.upload()["id"]
    for method, path, scope in (("PATCH", "", "write"), ("DELETE", "", "delete"), ("POST", "/transcribe", "process")):
        office.door.token(office.bob)
        others = sorted({"read", "write", "delete", "process"} - {scope})
        change_scopes = "UPDATE api_tokens SET scopes = :scopes WHERE user_id = :id RETURNING id"
        office.world.rows(change_scopes, scopes=others, id=office.bob.user_id)
        answer = send(office, method, [recording], office.bob, path, updates={"is_inbox": True})
        assert scope in refused(answer, 403)
        assert answer.json()["required_scopes"] == [scope]
