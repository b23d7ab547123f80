"""The sweep: everything that was left behind, also when two of them run at once."""

import threading
from datetime import timedelta

import pytest

from shared.domain.errors import Unavailable
from shared.domain.jobs import JobStatus
from shared.services import broadcast, uploads
from shared.services.ingest import NewRecording
from shared.services.sweep import sweep
from tests.support.world import STARTED, World


def test_sweeps_at_once_do_each_thing_once(world: World) -> None:
    tasks = [world.launched()[1] for _ in range(5)]
    for task in tasks:
        world.report(task, STARTED)
    waiting = [world.upload() for _ in range(5)]
    for _ in range(5):
        begun = uploads.begin(
            world.core,
            world.ann,
            filename="talk.wav",
            content_type="audio/wav",
            size=5,
            sha256=None,
            recording=NewRecording(),
        )
        address = begun.addresses[0].url
        assert address is not None and world.store.put(address, b"sound", "audio/wav")
    broadcast.connect(world.core, world.ann, "one", waiting[0].uuid, dialect="saled", after=None)
    world.clock.pass_by(timedelta(minutes=6).total_seconds())
    threads = [threading.Thread(target=sweep, args=(world.core,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [world.job(task).attempt for task in tasks] == [2] * 5
    assert [world.job(task).status for task in tasks] == [JobStatus.RUNNING] * 5
    assert (world.count("recordings"), world.count("jobs"), len(world.store.objects)) == (15, 15, 15)
    # The recordings of the uploads came while the jobs had been looked at already.
    sweep(world.core)
    names = [(task.job_id, task.attempt) for task in world.launcher.tasks]
    assert sorted(names) == sorted(set(names)), "no attempt is launched twice"
    assert len(names) == 5 + 5 + 5 + 5


def test_one_part_that_fails_does_not_keep_the_others(world: World) -> None:
    recording = world.upload()
    world.launcher.capacity = _away  # type: ignore[method-assign]
    broadcast.connect(world.core, world.ann, "one", recording.uuid, dialect="saled", after=None)
    world.live.changes.clear()
    with pytest.raises(Unavailable):
        sweep(world.core)
    assert world.live.changes == [recording.id]


def _away() -> int:
    raise Unavailable("There is no machine.")
