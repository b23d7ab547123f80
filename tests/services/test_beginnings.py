"""Who works at an attempt: one worker at a time, also when a platform restarts a task by itself."""

import pytest

from shared.domain import events as kinds
from shared.domain.errors import NotFound, Unauthenticated
from shared.domain.jobs import JobStatus
from shared.domain.recordings import RecordingStatus
from shared.domain.tasks import Beginning, Failed, Report, ReportBody, TranscribeTask
from shared.services import attempts, recordings, reports
from tests.support.world import ATTEMPT, DIARIZED, STARTED, World, completed, segments, slice_done


def report(world: World, task: TranscribeTask, attempt: int, *bodies: ReportBody, first: int = 0) -> bool:
    go_on = True
    for seq, body in enumerate(bodies, first):
        go_on = reports.record(world.core, Report(task.job_id, attempt, seq, body))
    return go_on


def test_a_worker_that_begins_renews_the_lease(world: World) -> None:
    _, task = world.launched()
    world.clock.pass_by(50)
    state = world.begin(task)
    assert (state.go_on, state.attempt, state.done) == (True, 1, ())
    world.clock.pass_by(59)
    attempts.sweep(world.core)
    assert world.job(task).status is JobStatus.RUNNING


def test_asking_again_is_the_same_beginning(world: World) -> None:
    recording, task = world.launched()
    told = world.kinds(recording)
    assert world.begin(task) == world.begin(task)
    assert world.kinds(recording) == told


def test_a_restarted_task_takes_over_from_its_dead_worker(world: World) -> None:
    recording, task = world.launched()
    world.begin(task, "first")
    report(world, task, 1, STARTED, DIARIZED, slice_done(0), segments(0, 1))
    state = world.begin(task, "second")
    assert (state.attempt, state.done, state.seams) == (2, (0,), STARTED.seams)
    assert world.kinds(recording)[-1] == kinds.JOB_STARTED
    # The old one was only slow, not dead: it is told to stop, and nothing it says is kept.
    assert not report(world, task, 1, slice_done(1, "old"), first=4)
    again = (STARTED, slice_done(1), segments(0, 1), segments(2), slice_done(2), segments(3), completed())
    assert report(world, task, 2, *again)
    assert world.recording(recording).status is RecordingStatus.COMPLETED
    assert world.kinds(recording).count(kinds.SEGMENT) == world.count("segments") == 4


def test_a_task_that_is_restarted_for_ever_fails_with_a_reason(world: World) -> None:
    recording, task = world.launched()
    answers = [world.begin(task, f"worker {n}").go_on for n in range(world.limits.max_attempts + 1)]
    assert answers == [True] * world.limits.max_attempts + [False]
    failed = world.recording(recording)
    assert failed.error_message == "The worker was restarted again and again. Given up after 3 attempts."


def test_a_restart_that_finished_something_may_be_restarted_again(world: World) -> None:
    recording, task = world.launched()
    for index in range(3):
        for n in range(2):
            state = world.begin(task, f"worker {index} {n}")
            assert state.go_on
        report(world, task, state.attempt, STARTED, slice_done(index))
    assert world.recording(recording).status is RecordingStatus.PROCESSING


def test_a_task_of_an_older_launch_is_not_wanted_any_more(world: World) -> None:
    _, old = world.launched()
    world.begin(old, "first")
    attempts.attempt_ended(world.core, old.job_id, old.attempt, "killed")
    attempts.launch_due(world.core)
    new = world.launcher.tasks[-1]
    assert world.begin(new, "second").attempt == 2
    # SQS or Modal hand out the old task once more, long after.
    assert not world.begin(old, "third").go_on
    assert world.begin(new, "second").attempt == 2


def test_a_launch_after_a_restart_counts_on(world: World) -> None:
    _, task = world.launched()
    world.begin(task, "first")
    world.begin(task, "second")
    for seconds in (61, 3):
        world.clock.pass_by(seconds)
        attempts.sweep(world.core)
    new = world.launcher.tasks[-1]
    assert new.attempt == 3
    assert not report(world, task, 2, STARTED)
    assert world.begin(new).attempt == 3


def test_the_end_of_a_launched_process_is_news_also_after_a_restart(world: World) -> None:
    _, task = world.launched()
    world.begin(task, "first")
    world.begin(task, "second")
    attempts.attempt_ended(world.core, task.job_id, task.attempt, "killed")
    assert world.job(task).status is JobStatus.QUEUED


def test_a_launch_that_was_never_noted_is_still_the_one_that_works(world: World) -> None:
    """The spawn succeeds, and the Lambda dies before it is recorded."""

    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    recording = world.upload()
    world.launcher.on_launch = die
    with pytest.raises(Killed):
        attempts.launch_due(world.core)
    world.launcher.on_launch = lambda: None
    task = TranscribeTask(1, 1, "", "", "")
    with world.db.begin() as tx:
        from shared.db import jobs

        job = jobs.open_job(tx, recording.id)
    assert job is not None and job.launch_reference is None
    task = TranscribeTask(job.id, 1, "", "", "")
    # The sweep that comes meanwhile does not launch it once more, and what was spawned does its work.
    attempts.sweep(world.core)
    assert world.launcher.tasks == []
    assert world.begin(task).go_on
    assert report(world, task, 1, *ATTEMPT)
    assert world.recording(recording).status is RecordingStatus.COMPLETED
    assert world.count("segments") == 4


def test_a_spawn_that_was_lost_is_made_again_when_its_lease_is_over(world: World) -> None:
    recording, task = world.launched()
    world.clock.pass_by(61)
    attempts.sweep(world.core)
    assert world.launcher.tasks[-1].attempt == 2
    assert world.recording(recording).status is RecordingStatus.PROCESSING
    assert not world.begin(task).go_on


@pytest.mark.parametrize("body", [STARTED, slice_done(0), Failed("late", retry=True)])
def test_a_deleted_recording_wants_no_more(world: World, body: ReportBody) -> None:
    recording, task = world.launched()
    world.begin(task)
    recordings.delete(world.core, world.ann, recording.id)
    assert not report(world, task, 1, body)
    with pytest.raises(NotFound):
        attempts.begin(world.core, task.job_id, Beginning(1, "late"))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer forged", "Basic {token}", "{token}"])
def test_a_worker_has_to_show_the_token_of_its_task(world: World, header: str) -> None:
    _, task = world.launched()
    with pytest.raises(Unauthenticated):
        attempts.check_worker(world.core, task.job_id, header.format(token=task.token))
    attempts.check_worker(world.core, task.job_id, f"bearer {task.token}")


def test_a_token_of_another_job_or_of_yesterday_is_refused(world: World) -> None:
    (_, task), (_, other) = world.launched(), world.launched()
    with pytest.raises(Unauthenticated):
        attempts.check_worker(world.core, task.job_id, f"Bearer {other.token}")
    world.clock.pass_by(world.core.limits.task_seconds + 1)
    with pytest.raises(Unauthenticated):
        attempts.check_worker(world.core, task.job_id, f"Bearer {task.token}")


def test_no_more_jobs_run_than_are_allowed(world: World) -> None:
    from dataclasses import replace

    few = replace(world.core, limits=replace(world.limits, running_jobs=2))
    for _ in range(5):
        world.upload()
    assert attempts.launch_due(few) == 2
    assert attempts.launch_due(few) == 0
    task = world.launcher.tasks[0]
    report(world, task, 1, *ATTEMPT)
    assert attempts.launch_due(few) == 1


def test_a_cold_start_may_take_longer_than_a_silent_worker(world: World) -> None:
    from dataclasses import replace

    patient = replace(world.core, limits=replace(world.limits, launch_seconds=600))
    world.upload()
    attempts.launch_due(patient)
    world.clock.pass_by(599)
    attempts.sweep(patient)
    assert len(world.launcher.tasks) == 1
    world.begin(world.launcher.tasks[0])
    world.clock.pass_by(61)
    attempts.sweep(patient)
    assert len(world.launcher.tasks) == 2
