"""Who changes several things locks them in one order: two that meet wait in a line, and never for each other."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from shared.db import accounts, edits, recording_counts, recordings, uploads
from shared.db.database import Database, Transaction
from shared.domain.edits import Updates
from shared.domain.policy import Policy
from shared.domain.speakers import Choice
from shared.services import attempts, batch, folders, naming, retention, speakers, tags
from shared.services.core import Core
from shared.services.recordings import remove_orphans
from tests.support.shelf import folder, label, shelve
from tests.support.talks import talk
from tests.support.waiting import until
from tests.support.world import World

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

_LOGS = "SELECT recording_id, count(*) FROM events GROUP BY recording_id ORDER BY recording_id"


@pytest.fixture
def world(database: Database) -> World:
    return World(database, policy=Policy(folders=True, auto_deletion=True, retention_days=30))


@contextmanager
def waiting(world: World, act: Callable[[], object]) -> Iterator[Future[object]]:
    """`act` has begun and waits for what the caller holds; whoever leaves has to let go of it before."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(act)
        until(lambda: running.done() or world.rows(_WAITING)[0][0])
        assert not running.done(), "It waits for nobody."
        yield running


def free(tx: Transaction, table: str, row_id: int) -> None:
    """Fails when somebody else holds the row."""
    tx.execute(text(f"SELECT id FROM {table} WHERE id = :id FOR UPDATE NOWAIT"), {"id": row_id})


@pytest.mark.parametrize("act", [attempts.launch_due, attempts.sweep, attempts.recover])
def test_jobs_in_another_order_than_their_recordings_do_not_stop_an_edit_of_many(
    world: World, act: Callable[[Core], object]
) -> None:
    first, second = world.upload(), world.upload()
    # The job of the first recording is the newer one.
    world.rows("UPDATE jobs SET status = 'cancelled' WHERE recording_id = :id RETURNING id", id=first.id)
    world.submit(first)
    if act is not attempts.launch_due:
        attempts.launch_due(world.core)
        world.rows("UPDATE jobs SET lease_until = lease_until - make_interval(secs => id) RETURNING id")
        world.rows(
            "UPDATE jobs SET lease_until = lease_until - interval '9 s' WHERE recording_id = :id RETURNING id",
            id=second.id,
        )
        world.clock.pass_by(100)
    with world.db.begin() as tx:
        edits.lock(tx, world.ann.user_id, [first.id])
        with waiting(world, lambda: act(world.core)) as running:
            free(tx, "recordings", second.id)
            tx.commit()
            running.result(30)


def test_an_edit_of_many_locks_nobody_elses_recordings(world: World) -> None:
    mine, theirs = shelve(world), shelve(world, world.user("bob"))
    with world.db.begin() as tx:
        assert edits.lock(tx, world.ann.user_id, [theirs, mine]).keys() == {mine, theirs}
        with world.db.begin() as other:
            free(other, "recordings", theirs)
    with world.db.begin() as tx:
        recordings.by_id(tx, theirs, lock=True)
        outcomes = batch.change(world.core, world.ann, [mine, theirs], Updates({"is_inbox": False}))
    assert [each.error is None for each in outcomes] == [True, False]


def test_deleting_a_folder_tells_also_of_what_moved_in_meanwhile(world: World) -> None:
    early, late = shelve(world), shelve(world)
    into = folder(world, "f")
    batch.change(world.core, world.ann, [early], Updates({"folder_id": into}))
    with world.db.begin() as tx:
        recordings.by_id(tx, early, lock=True)
        with waiting(world, lambda: folders.remove(world.core, world.ann, into)) as running:
            batch.change(world.core, world.ann, [late], Updates({"folder_id": into}))
            tx.commit()
            running.result(30)
    assert world.rows(_LOGS) == [(early, 2), (late, 2)]


def test_deleting_a_tag_tells_also_of_what_got_it_meanwhile(world: World) -> None:
    early, late = shelve(world), shelve(world)
    tag = label(world, "t", early)
    with world.db.begin() as tx:
        recordings.by_id(tx, early, lock=True)
        with waiting(world, lambda: tags.remove(world.core, world.ann, tag)) as running:
            tags.add_to(world.core, world.ann, late, [tag])
            tx.commit()
            running.result(30)
    assert world.rows(_LOGS) == [(early, 1), (late, 2)]


def test_a_tag_is_locked_before_it_is_taken_off(world: World) -> None:
    recording = shelve(world)
    tag = label(world, "t", recording)
    with world.db.begin() as tx:
        free(tx, "tags", tag)
        with waiting(world, lambda: tags.remove_from(world.core, world.ann, recording, tag)) as running:
            free(tx, "recording_tags", world.rows("SELECT id FROM recording_tags")[0][0])
            tx.commit()
            running.result(30)


@pytest.mark.parametrize("renamed", [True, False])
def test_names_are_given_and_changed_one_after_the_other(world: World, renamed: bool) -> None:
    recording = talk(world, 0, 1)
    cleo = speakers.create(world.core, world.ann, "Cleo")

    def act() -> object:
        if renamed:
            return speakers.rename(world.core, world.ann, cleo.id, "Bob")
        chosen = {"SPEAKER_00": Choice("Bob"), "SPEAKER_01": Choice("Cleo")}
        return naming.assign(world.core, world.ann, recording.id, chosen)

    with world.db.begin() as tx:
        accounts.lock_user(tx, world.ann.user_id)
        with waiting(world, act) as running:
            free(tx, "speakers", cleo.id)
            tx.commit()
            running.result(30)


def test_a_recount_waits_for_who_adds_rows_together(world: World) -> None:
    world.upload()
    world.upload()

    def recount() -> None:
        with world.db.begin() as tx:
            recording_counts.recount(tx)

    with world.db.begin() as tx:
        recording_counts.compact_counts(tx)
        with waiting(world, recount) as running:
            tx.commit()
            running.result(30)
    with world.db.begin() as tx:
        assert recording_counts.differing(tx) == []


def test_audio_of_which_a_recording_is_just_made_is_no_orphan(world: World) -> None:
    recording = world.upload()
    world.store.objects["audio/nobody"] = b"?"
    world.rows("DELETE FROM recordings RETURNING id")
    with world.db.begin() as tx:
        uploads.delete_object_later(tx, recording.audio_key, world.clock())
        uploads.delete_object_later(tx, "audio/nobody", world.clock())
    names = ("uuid", "user_id", "title", "status", "original_filename", "mime_type", "file_size", "audio_key")
    with world.db.begin() as tx:
        recordings.add(tx, title_given=False, **{name: getattr(recording, name) for name in names})
        uploads.keep_object(tx, recording.audio_key)
        with waiting(world, lambda: remove_orphans(world.core)) as running:
            tx.commit()
            assert running.result(30) == 1
    assert set(world.store.objects) == {recording.audio_key}
    assert world.count("object_deletions") == 0


def test_retention_asks_once_more_in_the_transaction_that_deletes(world: World) -> None:
    recording = shelve(world)
    world.clock.pass_by(31 * 86400)
    with world.db.begin() as tx:
        recordings.by_id(tx, recording, lock=True)
        with waiting(world, lambda: retention.sweep(world.core)) as running:
            recordings.change(tx, recording, deletion_exempt=True)
            tx.commit()
            running.result(30)
    assert world.count("recordings") == 1
