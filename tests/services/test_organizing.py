"""Tags and folders at the same time as what uses them: nothing breaks, nothing is left."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from shared.db.database import Database
from shared.domain.accounts import Role
from shared.domain.edits import Updates
from shared.domain.errors import HansardError, Invalid, NotFound
from shared.domain.policy import Policy
from shared.services import batch, edits, folders, groups, ingest, jobs, tags
from shared.services.ingest import NewRecording, StoredUpload
from tests.support.shelf import folder, label, shelve
from tests.support.world import World


@pytest.fixture
def world(database: Database) -> World:
    return World(database, policy=Policy(folders=True))


def at_once(*actions: Callable[[], object]) -> list[object]:
    barrier = Barrier(len(actions))

    def act(action: Callable[[], object]) -> object:
        barrier.wait(10)
        try:
            return action()
        except HansardError as error:
            return error

    with ThreadPoolExecutor(len(actions)) as pool:
        return [future.result(60) for future in [pool.submit(act, action) for action in actions]]


def upload(world: World, **fields: object) -> object:
    uuid, key = ingest.new_upload_place(world.core)
    world.store.objects[key] = b"sound"
    stored = StoredUpload(uuid, key, 5, None, "talk.wav", "audio/wav")
    return ingest.create(world.core, world.ann, stored, NewRecording(**fields))  # type: ignore[arg-type]


def test_the_same_name_twice_at_once_is_one_tag(world: World) -> None:
    made = at_once(*[lambda: tags.create(world.core, world.ann, {"name": "same"})] * 4)
    assert sorted(type(each).__name__ for each in made) == ["Invalid"] * 3 + ["Tag"]
    renamed = [tags.create(world.core, world.ann, {"name": name}) for name in "abc"]
    outcomes = at_once(
        *[lambda tag=tag: tags.change(world.core, world.ann, tag.id, {"name": "new"}) for tag in renamed]
    )
    assert sorted(isinstance(each, Invalid) for each in outcomes) == [False, True, True]


@pytest.mark.parametrize("again", range(6))
def test_deleting_tags_and_folders_races_with_what_uses_them(world: World, again: int) -> None:
    tag = tags.create(world.core, world.ann, {"name": "t"})
    folder = folders.create(world.core, world.ann, {"name": "f"})
    ids = [world.upload().id for _ in range(4)]
    for each in ids:
        edits.edit(world.core, world.ann, each, {"folder_id": folder.id})
    outcomes = at_once(
        lambda: tags.remove(world.core, world.ann, tag.id),
        lambda: folders.remove(world.core, world.ann, folder.id),
        lambda: upload(world, tag_ids=(tag.id,), folder_id=folder.id),
        lambda: tags.add_to(world.core, world.ann, ids[0], [tag.id]),
        lambda: edits.edit(world.core, world.ann, ids[1], {"folder_id": folder.id, "title": "t"}),
        lambda: batch.change(world.core, world.ann, ids[::-1], Updates({"folder_id": folder.id}, [tag.id])),
        lambda: batch.change(world.core, world.ann, ids, Updates({"is_inbox": False}, remove_tags=[tag.id])),
    )
    odd = [each for each in outcomes if isinstance(each, HansardError) and not isinstance(each, NotFound)]
    assert odd == []
    assert world.count("tags") == world.count("folders") == world.count("recording_tags") == 0
    assert world.rows("SELECT count(*) FROM recordings WHERE folder_id IS NOT NULL")[0][0] == 0
    assert world.count("recordings") == 5
    for each in ids:
        seqs = [row.seq for row in world.rows("SELECT seq FROM events WHERE recording_id = :id ORDER BY seq", id=each)]
        assert seqs == list(range(1, len(seqs) + 1))


def test_a_batch_of_all_kinds_races_with_deletes(world: World) -> None:
    ids = [world.upload().id for _ in range(8)]
    tag = tags.create(world.core, world.ann, {"name": "t"})
    outcomes = at_once(
        lambda: batch.delete(world.core, world.ann, ids[:6]),
        lambda: batch.delete(world.core, world.ann, ids[:6][::-1]),
        lambda: batch.change(world.core, world.ann, ids, Updates({"is_inbox": False}, [tag.id])),
        lambda: batch.transcribe(world.core, world.ann, ids),
    )
    assert [each for each in outcomes if isinstance(each, HansardError)] == []
    assert world.count("recordings") == world.count("jobs") == 2
    assert len(world.store.objects) == 2


def told(world: World) -> list[tuple[int, list[str]]]:
    rows = world.rows(
        "SELECT recording_id, data FROM events WHERE kind = 'recording.updated' ORDER BY recording_id, seq"
    )
    return [(row.recording_id, row.data["fields"]) for row in rows]


def test_recordings_that_lose_a_tag_or_a_folder_with_its_end_are_told_of(world: World) -> None:
    ids = [shelve(world), shelve(world, world.user("bob"))]
    shelve(world)
    tag, into = label(world, "t", *ids), folder(world, "f")
    world.rows("UPDATE recordings SET folder_id = :into WHERE id = :id RETURNING id", into=into, id=ids[0])
    tags.remove(world.core, world.ann, tag)
    folders.remove(world.core, world.ann, into)
    assert told(world) == [(ids[0], ["tags"]), (ids[0], ["folder_id"]), (ids[1], ["tags"])]


def test_recordings_that_have_to_leave_a_folder_are_told_of_and_the_others_are_not(world: World) -> None:
    mine, theirs = shelve(world), shelve(world, world.user("bob"))
    into = folder(world, "f")
    for each in (mine, theirs):
        world.rows("UPDATE recordings SET folder_id = :into WHERE id = :id RETURNING id", into=into, id=each)
    group = groups.add(world.db, "Team")
    groups.join(world.db, "Team", "ann", admin=True)
    admin = replace(world.ann, groups={group.id: Role.ADMIN})
    assert folders.change(world.core, admin, into, {"group_id": group.id, "name": "g"}).recording_count == 1
    assert told(world) == [(theirs, ["folder_id"])]


def test_a_later_summary_looks_at_what_the_tags_say_then(world: World) -> None:
    tag = tags.create(world.core, world.ann, {"name": "t", "custom_prompt": "For {{who}}."})
    recording, _ = upload(world, tag_ids=(tag.id,), prompt_variables={"who": "Zoë"})  # type: ignore[misc]
    tags.change(world.core, world.ann, tag.id, {"custom_prompt": "Not for {{who}}."})
    world.rows("UPDATE jobs SET status = 'completed' RETURNING id")
    assert jobs.submit(world.core, world.ann, recording.id, ingest.TranscribeOptions()).options.summary_prompt == (
        "Not for Zoë."
    )
