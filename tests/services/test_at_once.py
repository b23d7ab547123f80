"""Several processes at once, as threads with connections of their own: nothing twice, no deadlock, no surprise."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from shared.domain.errors import Conflict, HansardError, NotFound
from shared.services import attempts, jobs, recordings
from tests.support.world import ATTEMPT, World


def _at_once(*actions: Callable[[], object]) -> list[object]:
    """Starts all at the same moment; what each returned, or the error of the domain that it raised."""
    barrier = Barrier(len(actions))

    def act(action: Callable[[], object]) -> object:
        barrier.wait(10)
        try:
            return action()
        except HansardError as error:
            return error

    with ThreadPoolExecutor(len(actions)) as pool:
        return [future.result(60) for future in [pool.submit(act, action) for action in actions]]


def test_sweeps_at_once_launch_each_job_once(world: World) -> None:
    for _ in range(12):
        world.upload()
    _at_once(*[lambda: attempts.sweep(world.core)] * 4)
    assert sorted(task.job_id for task in world.launcher.tasks) == sorted({row.id for row in _jobs(world)})
    assert {row.attempt for row in _jobs(world)} == {1}


def test_sweeps_at_once_give_an_expired_job_one_new_attempt(world: World) -> None:
    for _ in range(6):
        world.upload()
    attempts.sweep(world.core)
    world.clock.pass_by(61)
    _at_once(*[lambda: attempts.sweep(world.core)] * 4)
    assert {row.attempt for row in _jobs(world)} == {2}
    assert len(world.launcher.tasks) == 12


def _jobs(world: World) -> list[object]:
    return world.rows("SELECT id, attempt FROM jobs")


def test_submits_at_once_make_one_job(world: World) -> None:
    recording, task = world.launched()
    world.report(task, *ATTEMPT)
    made = _at_once(*[lambda: world.submit(recording).id] * 6)
    assert len(set(made)) == 1
    assert world.count("jobs") == 2


def test_deleting_twice_at_once_deletes_once(world: World) -> None:
    recording = world.upload()
    outcomes = _at_once(*[lambda: recordings.delete(world.core, world.ann, recording.id)] * 4)
    assert sorted(type(each).__name__ for each in outcomes) == ["NotFound"] * 3 + ["Recording"]


@pytest.mark.parametrize("again", range(8))
def test_deleting_races_with_everything_and_leaves_nothing(world: World, again: int) -> None:
    recording, task = world.launched()
    # A job that ended makes room for `submit` to bring up a new one while the rows are being removed.
    world.report(task, *(ATTEMPT if again % 2 else ATTEMPT[:3]))
    outcomes = _at_once(
        lambda: recordings.delete(world.core, world.ann, recording.id),
        lambda: world.submit(recording),
        lambda: attempts.sweep(world.core),
        lambda: attempts.sweep(world.core),
        lambda: world.report(task, *ATTEMPT),
        lambda: attempts.attempt_ended(world.core, task.job_id, 1, "killed"),
    )
    odd = [each for each in outcomes if isinstance(each, HansardError) and not isinstance(each, NotFound)]
    assert odd == []
    for table in ("recordings", "jobs", "slices", "segments", "events"):
        assert world.count(table) == 0, table


@pytest.mark.parametrize("again", range(4))
def test_people_and_workers_at_once_leave_a_log_without_gaps(world: World, again: int) -> None:
    recording, task = world.launched()
    outcomes = _at_once(
        lambda: world.report(task, *ATTEMPT),
        lambda: jobs.pause(world.core, world.ann, recording.id),
        lambda: jobs.resume(world.core, world.ann, recording.id),
        lambda: jobs.cancel(world.core, world.ann, recording.id),
        lambda: attempts.sweep(world.core),
    )
    odd = [each for each in outcomes if isinstance(each, HansardError) and not isinstance(each, Conflict)]
    assert odd == []
    assert world.kinds(recording)
    assert world.rows("SELECT count(*) FROM jobs WHERE status IN ('completed', 'cancelled')")[0][0] == 1
