"""Idempotency-Key through the door: uploads and jobs are made once, also at once, and say so."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from shared.db.database import Database
from shared.domain.accounts import Caller
from shared.ports import Completion
from shared.services import doctor
from tests.support.door import Door
from tests.support.world import ATTEMPT, World

UPLOAD = "/api/v1/recordings/upload"
REPLAY = "Idempotent-Replay"


@pytest.fixture
def door(database: Database) -> Door:
    return Door(World(database))


def upload(door: Door, key: str | None, caller: Caller | None = None, data: bytes = b"sound", **fields: str) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    files = {"file": ("talk.wav", data, "audio/wav")}
    return door.post(UPLOAD, caller or door.world.ann, files=files, data=fields, headers=headers)


def act(door: Door, recording_id: int, what: str, key: str, body: Any = None, **rest: Any) -> httpx2.Response:
    path = f"/api/v1/recordings/{recording_id}/{what}"
    return door.post(path, door.world.ann, json=body or {}, headers={"Idempotency-Key": key}, **rest)


def done(door: Door) -> int:
    recording, task = door.world.launched()
    door.world.report(task, *ATTEMPT)
    return recording.id


def refused(response: httpx2.Response, status: int, said: str) -> None:
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error"]
    assert said in response.json()["error"]


def test_the_same_upload_again_is_the_same_recording(door: Door) -> None:
    first = upload(door, "k", title="Talk", notes="Weekly")
    again = upload(door, "k", title="Talk", notes="Weekly")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert (first.headers.get(REPLAY), again.headers.get(REPLAY)) == (None, "true")
    assert (door.world.count("recordings"), len(door.world.store.objects)) == (1, 1)
    assert doctor.examine(door.world.core) == []


def test_a_replay_shows_the_recording_as_it_is_now(door: Door) -> None:
    recording_id = upload(door, "k").json()["id"]
    door.world.rows("UPDATE recordings SET title = 'Renamed' WHERE id = :id RETURNING id", id=recording_id)
    assert upload(door, "k").json()["title"] == "Renamed"


def test_the_bytes_of_a_replay_are_not_read(door: Door) -> None:
    upload(door, "k")
    stored = dict(door.world.store.objects)
    # No form at all: it would be refused if it were read.
    answer = door.post(UPLOAD, door.world.ann, content=b"rubbish", headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.headers[REPLAY]) == (202, "true")
    assert door.world.store.objects == stored


def test_uploads_at_once_make_one_recording(door: Door) -> None:
    door.token(door.world.ann)
    for again in range(3):
        with ThreadPoolExecutor(5) as pool:
            answers = [each.result(60) for each in [pool.submit(upload, door, f"k{again}") for _ in range(5)]]
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert [answer.headers.get(REPLAY) for answer in answers].count(None) == 1
        assert door.world.count("recordings") == again + 1
        assert len(door.world.store.objects) == again + 1
    assert doctor.examine(door.world.core) == []


def test_keys_are_of_one_user_and_no_key_is_no_promise(door: Door) -> None:
    bob = door.world.user("bob")
    answers = [upload(door, "k"), upload(door, "k", bob), upload(door, None), upload(door, None)]
    assert len({answer.json()["id"] for answer in answers}) == 4


def test_an_upload_that_was_refused_leaves_its_key_free(door: Door) -> None:
    assert upload(door, "k", data=b"").status_code == 400
    assert upload(door, "k").status_code == 202


def test_a_recording_that_has_been_deleted_is_not_made_again(door: Door) -> None:
    recording_id = upload(door, "k").json()["id"]
    assert door.delete(f"/api/v1/recordings/{recording_id}", door.world.ann).is_success
    refused(upload(door, "k"), 409, "deleted")
    assert door.world.store.objects == {}


def test_a_key_is_remembered_for_a_day(door: Door) -> None:
    first = upload(door, "k").json()["id"]
    door.world.clock.pass_by(24 * 3600 - 1)
    assert upload(door, "k").json()["id"] == first
    door.world.clock.pass_by(1)
    assert upload(door, "k").json()["id"] != first


@pytest.mark.parametrize("key", ["", "x" * 256, "naïve", "tab\there"])
def test_what_is_no_key_is_refused(door: Door, key: str) -> None:
    answer = door.post(UPLOAD, door.world.ann, headers={"Idempotency-Key": key.encode("latin-1")})
    refused(answer, 400, "Idempotency-Key")


def test_the_longest_key_is_fine(door: Door) -> None:
    assert upload(door, "~ " + "k" * 253).status_code == 202


def test_a_token_without_the_scope_learns_nothing_from_a_key(door: Door) -> None:
    upload(door, "k")
    answer = door.client.post(UPLOAD, headers={"Idempotency-Key": "k", "X-API-Token": "guess"})
    assert answer.status_code == 401


def test_the_same_transcription_again_is_the_same_job(door: Door) -> None:
    recording_id = done(door)
    first = act(door, recording_id, "transcribe", "k", {"language": "en"})
    again = act(door, recording_id, "transcribe", "k", {"language": "en"})
    assert (first.status_code, again.json()) == (200, first.json())
    assert (first.headers.get(REPLAY), again.headers.get(REPLAY)) == (None, "true")
    assert act(door, recording_id, "cancel", "other").is_success
    ended = act(door, recording_id, "transcribe", "k", {"language": "en"})
    assert ended.json() == first.json(), "also when it has ended: no second one is begun"
    assert door.world.count("jobs") == 2


def test_the_same_summary_again_is_the_same_job(door: Door) -> None:
    recording_id = done(door)
    first = act(door, recording_id, "summarize", "k", {"custom_prompt": "Short."})
    assert act(door, recording_id, "cancel", "other").is_success
    again = act(door, recording_id, "summarize", "k", {"custom_prompt": "Short."})
    assert (first.status_code, again.json()) == (200, first.json())
    assert door.world.count("jobs") == 2


def test_a_key_used_for_something_else_is_a_conflict(door: Door) -> None:
    recording_id, other = done(door), done(door)
    assert act(door, recording_id, "transcribe", "k").is_success
    refused(act(door, recording_id, "transcribe", "k", {"language": "de"}), 409, "another request")
    refused(act(door, other, "transcribe", "k"), 409, "another request")
    refused(act(door, recording_id, "summarize", "k"), 409, "another request")
    refused(upload(door, "k"), 409, "another request")
    assert door.world.count("recordings") == 2
    assert len(door.world.store.objects) == 2


def test_jobs_at_once_with_one_key_are_one(door: Door) -> None:
    recording_id = done(door)
    door.token(door.world.ann)
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(act, door, recording_id, "transcribe", "k") for _ in range(4)]
        assert len({each.result(60).json()["job_id"] for each in answers}) == 1


def test_a_batch_again_gets_the_same_answer_and_begins_nothing(door: Door) -> None:
    ids = [done(door), done(door), 4711]

    def ask(wanted: list[int]) -> httpx2.Response:
        path = "/api/v1/recordings/batch/transcribe"
        return door.post(path, door.world.ann, json={"recording_ids": wanted}, headers={"Idempotency-Key": "k"})

    first = ask(ids)
    for recording_id in ids[:2]:
        assert act(door, recording_id, "cancel", "other").is_success
    again = ask(ids)
    assert (again.status_code, again.json(), again.headers[REPLAY]) == (200, first.json(), "true")
    assert door.world.count("jobs") == 4
    refused(ask(ids[:1]), 409, "another request")


class CountingModel:
    """Says how often it was asked."""

    name = "counting"

    def __init__(self) -> None:
        self.asked = 0

    def complete(self, messages: Any, *, max_tokens: int, temperature: float, json: bool = False) -> Completion:
        self.asked += 1
        return Completion(f"Answer {self.asked}", 1)


@pytest.mark.parametrize("what", ["chat", "regenerate_title"])
def test_the_language_model_is_asked_once(database: Database, what: str) -> None:
    world, model = World(database), CountingModel()
    world.core = replace(world.core, language_model=model)
    door = Door(world)
    recording_id = done(door)
    answers = [act(door, recording_id, what, key, {"message": "What?"}) for key in ("k", "k", "other")]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].json() == answers[1].json()
    assert [answer.headers.get(REPLAY) for answer in answers] == [None, "true", None]
    assert model.asked == 2
