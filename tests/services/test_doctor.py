"""The doctor finds what is broken on purpose, and nothing after people, workers and sweeps have raced."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from shared.db.doctor import QUESTIONS
from shared.domain.errors import Conflict, HansardError, NotFound
from shared.domain.recordings import Recording
from shared.domain.uploads import PART_BYTES
from shared.services import attempts, doctor, edits, jobs, recordings, uploads
from shared.services.doctor import Finding
from shared.services.ingest import NewRecording, StoredUpload, create, new_upload_place
from shared.services.sweep import sweep
from tests.support.world import ATTEMPT, World

HOUR = timedelta(hours=1).total_seconds()


def run(world: World, *statements: str, **values: Any) -> None:
    with world.db.begin() as tx:
        for statement in statements:
            tx.execute(text(statement), values)


def done(world: World) -> Recording:
    recording, task = world.launched()
    world.report(task, *ATTEMPT)
    return recording


def found(world: World) -> dict[str, tuple[str, ...]]:
    return {finding.what: finding.ids for finding in doctor.examine(world.core)}


def test_a_healthy_world_has_no_findings(world: World) -> None:
    assert doctor.examine(world.core) == []
    done(world)
    world.launched()
    world.upload()
    paused = world.upload()
    jobs.pause(world.core, world.ann, paused.id)
    failed, _ = world.launched()
    jobs.cancel(world.core, world.ann, failed.id)
    begun = uploads.begin(
        world.core,
        world.ann,
        filename="a.wav",
        content_type="audio/wav",
        size=5,
        sha256=None,
        recording=None,
    )
    assert world.store.put(begun.addresses[0].url or "", b"sound", "audio/wav")
    assert doctor.examine(world.core) == []


BREAKS: dict[str, tuple[str, ...]] = {
    "recordings at work without an open job": ("UPDATE recordings SET status = 'pending'",),
    "open jobs of recordings that have ended": ("UPDATE jobs SET status = 'queued'",),
    "running jobs that nobody waits for": (
        "UPDATE jobs SET status = 'running', lease_until = NULL",
        "UPDATE recordings SET status = 'processing'",
    ),
    "finished slices of jobs that have ended": (
        "INSERT INTO slices (job_id, index, result) SELECT id, 0, '{}' FROM jobs",
    ),
    "transcripts whose job is not there": ("UPDATE recordings SET transcript_job_id = 4711",),
    "segments of another recording's job": (
        # The database itself would not let it happen.
        "SET LOCAL session_replication_role = replica",
        "UPDATE segments SET recording_id = recording_id + 1",
    ),
    "event logs with gaps": ("DELETE FROM events WHERE seq = 2",),
    "voices of recordings without a transcript": (
        """INSERT INTO recording_voices (recording_id, speaker, kind, embedding)
        SELECT id, 0, 'x', ARRAY[1, 2]::double precision[] FROM recordings ON CONFLICT DO NOTHING""",
        "UPDATE recordings SET transcript_job_id = NULL",
    ),
    "participants that stand for nobody": (
        "INSERT INTO participants (recording_id, name, listed) SELECT id, 'Bo', false FROM recordings",
    ),
    "deliveries that have no end": (
        """INSERT INTO webhooks (user_id, name, url, allow_http, events, enabled, secret)
        SELECT id, 'w', 'https://example.com', false, '{}', true, 's' FROM users LIMIT 1""",
        """INSERT INTO webhook_deliveries (webhook_id, event_id, event_type, payload, status)
        SELECT id, gen_random_uuid(), 'x', '{}', 'failed' FROM webhooks""",
    ),
    "uploads that nobody looks after": (
        """INSERT INTO uploads (id, user_id, key, filename, content_type, size, part_size, check_at, expires_at)
        SELECT gen_random_uuid(), id, 'uploads/x', 'f', 't', 1, 1, now() - interval '1 day', now()
        FROM users LIMIT 1""",
    ),
    "objects that should have been deleted": ("UPDATE object_deletions SET due_at = now() - interval '1 day'",),
}


@pytest.mark.parametrize("what", BREAKS)
def test_what_is_broken_is_found_and_nothing_else(world: World, what: str) -> None:
    recording = done(world)
    new_upload_place(world.core)
    run(world, *BREAKS[what])
    assert recording.audio_key not in found(world).get("objects that should have been deleted", ())
    assert list(found(world)) == [what]
    assert all(found(world).values())


def test_each_question_has_something_that_breaks_it() -> None:
    assert set(BREAKS) == set(QUESTIONS)


def test_objects_and_rows_that_miss_each_other_are_found(world: World) -> None:
    kept, lost, without = done(world), done(world), done(world)
    world.store.objects["audio/nobody"] = b"?"
    world.store.delete(lost.audio_key)
    world.store.delete(without.audio_key)
    run(world, "UPDATE recordings SET audio_deleted_at = now() WHERE id = :id", id=without.id)
    assert found(world) == {
        "objects that no row knows": ("audio/nobody",),
        "recordings whose audio is not there": (lost.audio_key,),
    }
    assert kept.audio_key in world.store.objects


def test_miscounted_users_are_found(world: World) -> None:
    done(world)
    run(world, "UPDATE recording_counts SET bytes = bytes + 1")
    assert list(found(world)) == ["users whose counters are not what a recount says"]


def test_fix_puts_right_what_is_safe_and_leaves_the_rest(world: World) -> None:
    recording = done(world)
    world.store.objects["audio/nobody"] = b"?"
    run(world, "UPDATE recording_counts SET count = 7", "DELETE FROM events WHERE seq = 1")
    findings = doctor.examine(world.core)
    assert [finding.fixable for finding in findings] == [True, False, True]
    doctor.fix(world.core, findings)
    assert doctor.examine(world.core) == [Finding("event logs with gaps", (str(recording.id),))]
    assert list(world.store.objects) == [recording.audio_key]


def test_counters_are_added_together_and_stay_the_same(world: World) -> None:
    bob = world.user("bob")
    for caller in (world.ann, bob, world.ann):
        world.upload(caller)
    recording = done(world)
    recordings.delete(world.core, world.ann, recording.id)

    def sums() -> list[Any]:
        return world.rows(
            "SELECT user_id, status, sum(count), sum(bytes) FROM recording_counts GROUP BY 1, 2 ORDER BY 1, 2"
        )

    before = [row for row in sums() if row[2]]
    assert world.count("recording_counts") > len(before)
    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(sweep, world.core) for _ in range(4)] + [pool.submit(world.upload) for _ in range(4)]:
            each.result(60)
    sweep(world.core)
    assert doctor.examine(world.core) == []
    rows = world.rows("SELECT user_id, status, count(*) FROM recording_counts GROUP BY 1, 2")
    assert {row[2] for row in rows} == {1}


def at_once(*actions: Callable[[], object]) -> list[HansardError]:
    """Starts all at the same moment; the errors that came of it."""
    barrier, errors = Barrier(len(actions)), list[HansardError]()

    def act(action: Callable[[], object]) -> None:
        barrier.wait(10)
        try:
            action()
        except HansardError as error:
            errors.append(error)

    with ThreadPoolExecutor(len(actions)) as pool:
        for each in [pool.submit(act, action) for action in actions]:
            each.result(60)
    return errors


def settle(world: World) -> None:
    """The sweeps that would come in the next hour."""
    for _ in range(2):
        world.clock.pass_by(HOUR)
        sweep(world.core)


@pytest.mark.parametrize("again", range(4))
def test_deleting_while_a_job_runs_leaves_nothing(world: World, again: int) -> None:
    recording, task = world.launched()
    world.report(task, *ATTEMPT[: 3 * again])
    errors = at_once(
        lambda: recordings.delete(world.core, world.ann, recording.id),
        lambda: world.report(task, *ATTEMPT[3 * again :], first=3 * again),
        lambda: attempts.sweep(world.core),
        lambda: world.submit(recording),
    )
    assert {type(error) for error in errors} <= {NotFound}
    assert doctor.examine(world.core) == []
    settle(world)
    assert (world.count("recordings"), world.count("object_deletions"), world.store.objects) == (0, 0, {})
    assert doctor.examine(world.core) == []


@pytest.mark.parametrize("again", range(4))
def test_deleting_while_an_upload_is_completed_leaves_nothing(world: World, again: int) -> None:
    wanted = NewRecording(title="Talk")
    begun = uploads.begin(
        world.core,
        world.ann,
        filename="a.wav",
        content_type="audio/wav",
        size=5 if again % 2 else PART_BYTES + 1,
        sha256=None,
        recording=wanted,
    )
    for address in begun.addresses:
        assert world.store.put(address.url or "", b"s" * address.part.size, "audio/wav")

    def delete() -> None:
        for recording_id in [row[0] for row in world.rows("SELECT id FROM recordings")]:
            recordings.delete(world.core, world.ann, recording_id)

    at_once(
        lambda: uploads.complete(world.core, world.ann, begun.upload.id),
        lambda: uploads.arrived(world.core, begun.upload.key),
        delete,
        delete,
        lambda: uploads.sweep(world.core),
    )
    assert doctor.examine(world.core) == []
    settle(world)
    delete()
    world.clock.pass_by(8 * 24 * HOUR)
    settle(world)
    assert (world.count("recordings"), world.count("uploads"), world.store.objects) == (0, 0, {})
    assert doctor.examine(world.core) == []


def test_aborting_while_an_upload_is_completed_leaves_one_or_the_other(world: World) -> None:
    for _ in range(4):
        begun = uploads.begin(
            world.core,
            world.ann,
            filename="a.wav",
            content_type="audio/wav",
            size=5,
            sha256=None,
            recording=NewRecording(),
        )
        assert world.store.put(begun.addresses[0].url or "", b"sound", "audio/wav")
        errors = at_once(
            lambda upload_id=begun.upload.id: uploads.complete(world.core, world.ann, upload_id),
            lambda upload_id=begun.upload.id: uploads.abort(world.core, world.ann, upload_id),
        )
        assert {type(error) for error in errors} <= {Conflict}
        settle(world)
        assert doctor.examine(world.core) == []


def test_an_upload_that_dies_before_its_row_is_no_orphan_and_goes_away(world: World) -> None:
    uuid, key = new_upload_place(world.core)
    writer = world.store.create(key)
    writer.write(b"sound")
    writer.commit()
    assert doctor.examine(world.core) == []
    world.clock.pass_by(25 * HOUR)
    sweep(world.core)
    assert world.store.objects == {}
    with pytest.raises(HansardError):
        create(world.core, world.ann, StoredUpload(uuid, key, 0, None, "a.wav", "audio/wav"), NewRecording())
    assert doctor.examine(world.core) == []


def test_two_edits_at_once_both_land_in_one_log(world: World) -> None:
    recording = done(world)
    at_once(
        lambda: edits.edit(world.core, world.ann, recording.id, {"title": "A new title", "participants": "Ann, Bo"}),
        lambda: edits.edit(world.core, world.ann, recording.id, {"is_highlighted": True, "participants": "Cy"}),
    )
    left = world.recording(recording)
    assert (left.title, left.is_highlighted) == ("A new title", True)
    assert left.participants in (("Ann", "Bo"), ("Cy",))
    assert world.kinds(recording)[-2:] == ["recording.updated"] * 2
    assert doctor.examine(world.core) == []
