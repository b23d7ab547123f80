"""Retention: what goes, what stays, and that two sweeps or a crash leave nothing behind."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from shared.db import retention as rows
from shared.db.database import Database
from shared.domain.errors import Unavailable
from shared.domain.policy import Policy, RetentionMode
from shared.domain.recordings import Recording
from shared.services import doctor, recordings, retention, uploads
from shared.services.sweep import sweep
from tests.support.world import ATTEMPT, World

DAY = timedelta(days=1).total_seconds()
AUDIO = Policy(auto_deletion=True, retention_days=30, retention_mode=RetentionMode.AUDIO)
ALL = Policy(auto_deletion=True, retention_days=30)


def world_with(database: Database, policy: Policy = ALL) -> World:
    return World(database, policy=policy)


def done(world: World) -> Recording:
    """A recording that has its transcript, made by the clock of the world."""
    recording, task = world.launched()
    world.report(task, *ATTEMPT)
    change(world, "recordings", recording.id, created_at=world.clock())
    return recording


def change(world: World, table: str, row_id: int, **values: Any) -> None:
    said = ", ".join(f"{name} = :{name}" for name in values)
    with world.db.begin() as tx:
        tx.execute(text(f"UPDATE {table} SET {said} WHERE id = :id"), {**values, "id": row_id})


def add(world: World, table: str, **values: Any) -> int:
    values = {"user_id": world.ann.user_id, "name": f"{table}-{world.count(table)}", "color": "#000000", **values}
    names, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    return world.rows(f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING id", **values)[0][0]


def tag(world: World, recording: Recording, **values: Any) -> None:
    tag_id = add(world, "tags", **values)
    world.rows(
        "INSERT INTO recording_tags (recording_id, tag_id) VALUES (:r, :t) RETURNING id", r=recording.id, t=tag_id
    )


def folder(world: World, recording: Recording, **values: Any) -> None:
    change(world, "recordings", recording.id, folder_id=add(world, "folders", **values))


def is_there(world: World, recording: Recording) -> bool:
    return bool(world.rows("SELECT 1 FROM recordings WHERE id = :id", id=recording.id))


def test_an_old_recording_goes_with_all_that_belongs_to_it(database: Database) -> None:
    world = world_with(database)
    old = done(world)
    world.clock.pass_by(20 * DAY)
    young = done(world)
    world.clock.pass_by(11 * DAY)
    retention.sweep(world.core)
    assert (is_there(world, old), is_there(world, young)) == (False, True)
    assert list(world.store.objects) == [young.audio_key]
    assert old.id in world.live.changes
    uploads.sweep(world.core)
    assert doctor.examine(world.core) == []


def test_a_recording_is_kept_to_the_very_day(database: Database) -> None:
    world = world_with(database)
    recording = done(world)
    world.clock.pass_by(30 * DAY)
    retention.sweep(world.core)
    assert is_there(world, recording)
    world.clock.pass_by(1)
    retention.sweep(world.core)
    assert not is_there(world, recording)


@pytest.mark.parametrize(
    "policy", [Policy(retention_days=1), Policy(auto_deletion=True)], ids=["switched off", "without a time"]
)
def test_nothing_goes_unless_the_operator_says_so(database: Database, policy: Policy) -> None:
    world = world_with(database, policy)
    recording = done(world)
    world.clock.pass_by(10_000 * DAY)
    retention.sweep(world.core)
    assert is_there(world, recording)


def exempt(world: World, recording: Recording) -> None:
    change(world, "recordings", recording.id, deletion_exempt=True)


def with_open_job(world: World, recording: Recording) -> None:
    world.submit(recording)


@pytest.mark.parametrize(
    "protect",
    [
        exempt,
        with_open_job,
        lambda world, recording: tag(world, recording, protect_from_deletion=True, retention_days=1),
        lambda world, recording: tag(world, recording, retention_days=-1),
        lambda world, recording: folder(world, recording, protect_from_deletion=True, retention_days=1),
        lambda world, recording: folder(world, recording, retention_days=-1),
    ],
    ids=["exempt", "at work", "protecting tag", "tag for ever", "protecting folder", "folder for ever"],
)
@pytest.mark.parametrize("policy", [ALL, AUDIO], ids=["all", "audio"])
def test_what_is_protected_stays(database: Database, policy: Policy, protect: Any) -> None:
    world = world_with(database, policy)
    recording = done(world)
    protect(world, recording)
    world.clock.pass_by(1000 * DAY)
    retention.sweep(world.core)
    assert is_there(world, recording)
    assert recording.audio_key in world.store.objects


@pytest.mark.parametrize(
    ("server", "in_folder", "in_tags", "kept"),
    [
        (30, None, (), 30),
        (30, 10, (), 10),
        (30, 50, (), 50),
        (None, 10, (), 10),
        (30, 0, (), 30),
        (30, 50, (None, 20, 5), 5),
        (30, 10, (40,), 40),
        (None, None, (7,), 7),
        (30, 2**31 - 1, (), None),
    ],
)
def test_tags_say_it_before_the_folder_and_that_before_the_server(
    database: Database, server: int | None, in_folder: int | None, in_tags: tuple[int | None, ...], kept: int | None
) -> None:
    world = world_with(database, Policy(auto_deletion=True, retention_days=server))
    recording = done(world)
    folder(world, recording, retention_days=in_folder)
    for days in in_tags:
        tag(world, recording, retention_days=days)
    world.clock.pass_by((kept or 30) * DAY)
    retention.sweep(world.core)
    assert is_there(world, recording)
    world.clock.pass_by(1)
    retention.sweep(world.core)
    assert is_there(world, recording) is (kept is None)


def test_where_only_audio_goes_the_transcript_stays(database: Database) -> None:
    world = world_with(database, AUDIO)
    recording = done(world)
    world.clock.pass_by(31 * DAY)
    retention.sweep(world.core)
    left = world.recording(recording)
    assert left.audio_deleted_at == world.clock()
    assert left.has_transcript and left.has_summary
    assert world.store.objects == {}
    assert world.kinds(recording)[-1] == "recording.updated"
    bytes_ = world.rows("SELECT sum(bytes) FROM recording_counts")[0][0]
    assert bytes_ == 0
    events = len(world.kinds(recording))
    world.clock.pass_by(31 * DAY)
    sweep(world.core)
    assert len(world.kinds(recording)) == events, "it goes once"
    assert doctor.examine(world.core) == []


def test_what_a_crash_leaves_of_an_object_the_sweep_deletes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_with(database, AUDIO)
    recording = done(world)
    world.clock.pass_by(31 * DAY)

    def away(key: str) -> None:
        raise Unavailable("The store does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "delete", away)
        retention.sweep(world.core)
    assert recording.audio_key in world.store.objects
    assert doctor.examine(world.core) == [], "the sweep knows of it"
    uploads.sweep(world.core)
    assert world.store.objects == {}


@pytest.mark.parametrize("policy", [ALL, AUDIO], ids=["all", "audio"])
def test_sweeps_at_once_do_it_once(database: Database, policy: Policy) -> None:
    world = world_with(database, policy)
    made = [done(world) for _ in range(12)]
    change(world, "recordings", made[0].id, deletion_exempt=True)
    world.clock.pass_by(31 * DAY)
    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(retention.sweep, world.core) for _ in range(4)]:
            each.result(60)
    assert list(world.store.objects) == [made[0].audio_key]
    if policy is AUDIO:
        assert [world.kinds(each).count("recording.updated") for each in made] == [0] + [1] * 11
    uploads.sweep(world.core)
    assert doctor.examine(world.core) == []


def test_one_that_cannot_go_does_not_keep_the_others(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_with(database)
    made = [done(world) for _ in range(3)]
    world.clock.pass_by(31 * DAY)

    real = recordings.erase

    def erase(core: Any, recording_id: int, check: Any) -> Any:
        if recording_id == made[0].id:
            raise Unavailable("Not now.")
        return real(core, recording_id, check)

    monkeypatch.setattr(retention, "erase", erase)
    with pytest.raises(Unavailable):
        retention.sweep(world.core)
    assert [is_there(world, each) for each in made] == [True, False, False]


def test_many_go_batch_by_batch(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_with(database)
    for _ in range(5):
        done(world)
    real = rows.due
    monkeypatch.setattr(rows, "due", lambda tx, now, days, after: real(tx, now, days, after, limit=2))
    world.clock.pass_by(31 * DAY)
    retention.sweep(world.core)
    assert world.count("recordings") == 0


def test_nothing_of_the_recording_is_logged_but_its_id(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    world = world_with(database)
    recording = done(world)
    world.clock.pass_by(31 * DAY)
    with caplog.at_level(logging.INFO, "hansard.retention"):
        retention.sweep(world.core)
    assert [each.getMessage() for each in caplog.records] == [
        f"recording {recording.id} has been kept long enough (recording)"
    ]
