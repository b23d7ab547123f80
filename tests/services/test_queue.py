"""Who is next: fair between users, and said truly."""

from shared.domain.recordings import Recording
from shared.services import attempts, jobs, recordings
from tests.support.world import ATTEMPT, World


def _order(world: World, uploads: list[Recording]) -> list[int]:
    """The places in `uploads` of the recordings, in the order of their launches."""
    by_id = {recording.id: place for place, recording in enumerate(uploads)}
    rows = world.rows("SELECT id, recording_id FROM jobs")
    places = {row.id: by_id[row.recording_id] for row in rows}
    return [places[task.job_id] for task in world.launcher.tasks]


def _position(world: World, recording: Recording) -> int | None:
    return recordings.status(world.core, world.ann, recording.id).queue_position


def test_ten_uploads_of_one_user_are_launched_in_order_as_room_comes(world: World) -> None:
    world.launcher.room = 2
    uploads = [world.upload() for _ in range(10)]
    while len(world.launcher.tasks) < 10:
        attempts.launch_due(world.core)
        assert len(world.launcher.running) == 2
        oldest = next(iter(world.launcher.running.values()))
        world.report(oldest, *ATTEMPT)
        world.launcher.cancel(f"{oldest.job_id}.1")
    assert _order(world, uploads) == list(range(10))


def test_users_take_turns_also_when_all_is_claimed_at_once(world: World) -> None:
    bob, eve = world.user("bob"), world.user("eve")
    uploads = [world.upload(who) for who in (world.ann, world.ann, world.ann, bob, bob, eve)]
    attempts.sweep(world.core)
    assert _order(world, uploads) == [0, 3, 5, 1, 4, 2]


def test_a_user_with_work_under_way_lets_another_go_first(world: World) -> None:
    world.launcher.room = 1
    bob = world.user("bob")
    uploads = [world.upload(), world.upload(), world.upload(bob)]
    attempts.launch_due(world.core)
    world.launcher.room = 2
    attempts.launch_due(world.core)
    assert _order(world, uploads) == [0, 2]


def test_users_take_turns_also_where_one_job_runs_at_a_time(world: World) -> None:
    world.launcher.room = 1
    bob = world.user("bob")
    uploads = [world.upload(who) for who in (world.ann, world.ann, world.ann, bob, bob)]
    for launched in range(1, 6):
        attempts.launch_due(world.core)
        task = world.launcher.tasks[-1]
        assert len(world.launcher.tasks) == launched
        world.report(task, *ATTEMPT)
        world.launcher.cancel(f"{task.job_id}.1")
        world.clock.pass_by(1)
    assert _order(world, uploads) == [0, 3, 1, 4, 2]


def test_the_position_in_the_queue_is_the_order_of_the_launches(world: World) -> None:
    bob = world.user("bob")
    uploads = [world.upload(), world.upload(), world.upload(bob), world.upload()]
    assert [_position(world, each) for each in uploads if each.user_id == world.ann.user_id] == [1, 3, 4]
    assert recordings.status(world.core, bob, uploads[2].id).queue_position == 2
    attempts.launch_due(world.core)
    assert _order(world, uploads) == [0, 2, 1, 3]


def test_the_positions_move_up_as_jobs_are_launched(world: World) -> None:
    world.launcher.room = 1
    uploads = [world.upload() for _ in range(4)]
    assert [_position(world, each) for each in uploads] == [1, 2, 3, 4]
    attempts.launch_due(world.core)
    assert [_position(world, each) for each in uploads] == [None, 1, 2, 3]
    jobs.pause(world.core, world.ann, uploads[1].id)
    assert [_position(world, each) for each in uploads] == [None, None, 1, 2]


def test_a_job_that_waits_for_its_next_attempt_keeps_nobody(world: World) -> None:
    world.launcher.room = 1
    world.launched()
    for _ in range(2):
        task = world.launcher.tasks[-1]
        world.launcher.cancel(f"{task.job_id}.{task.attempt}")
        attempts.attempt_ended(world.core, task.job_id, task.attempt, "killed")
        attempts.launch_due(world.core)
    assert world.launcher.running == {}, "it waits"
    other = world.upload()
    attempts.launch_due(world.core)
    assert world.recording(other).status.value == "processing"
