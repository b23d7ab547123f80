"""Leases, attempts that fail, and what a process finds when it starts."""

import pytest

from shared.domain import events as kinds
from shared.domain.jobs import JobStatus
from shared.domain.recordings import RecordingStatus
from shared.domain.tasks import Failed
from shared.services import attempts, ingest, jobs
from tests.support.server import ROOT
from tests.support.world import ATTEMPT, STARTED, World, slice_done


def test_a_lease_that_runs_out_gives_the_job_to_another_worker(world: World) -> None:
    recording, old = world.launched()
    world.report(old, STARTED, slice_done(0))
    world.clock.pass_by(59)
    attempts.sweep(world.core)
    assert world.job(old).attempt == 1
    world.clock.pass_by(2)
    attempts.sweep(world.core)
    assert world.launcher.cancelled == [f"{old.job_id}.1"], "the old worker is ended"
    assert (world.launcher.tasks[-1].attempt, world.begin(world.launcher.tasks[-1]).done) == (2, (0,))
    assert world.kinds(recording)[-2:] == [kinds.JOB_QUEUED, kinds.JOB_STARTED]


def test_the_next_attempts_wait_longer_and_longer(world: World) -> None:
    world.launched()
    waits = []
    while len(world.launcher.tasks) < world.limits.max_attempts:
        task = world.launcher.tasks[-1]
        attempts.attempt_ended(world.core, task.job_id, task.attempt, "killed")
        waited = 0
        while attempts.launch_due(world.core) == 0:
            world.clock.pass_by(1)
            waited += 1
        waits.append(waited)
    assert waits == [0, 2]


def test_after_the_last_attempt_the_person_learns_why(world: World) -> None:
    recording, _ = world.launched()
    for _ in range(world.limits.max_attempts):
        task = world.launcher.tasks[-1]
        attempts.attempt_ended(world.core, task.job_id, task.attempt, "The worker was ended by signal SIGKILL.")
        world.clock.pass_by(60)
        attempts.launch_due(world.core)
    failed = world.recording(recording)
    assert failed.status is RecordingStatus.FAILED
    assert failed.error_message == "The worker was ended by signal SIGKILL. Given up after 3 attempts."
    assert world.kinds(recording)[-1] == kinds.FAILED
    assert len(world.launcher.tasks) == world.limits.max_attempts


def test_a_finished_slice_forgives_the_failures_before_it(world: World) -> None:
    recording, _ = world.launched()
    for index in range(3):
        for _ in range(world.limits.max_attempts - 1):
            task = world.launcher.tasks[-1]
            attempts.attempt_ended(world.core, task.job_id, task.attempt, "killed")
            world.clock.pass_by(60)
            attempts.launch_due(world.core)
        world.report(world.launcher.tasks[-1], STARTED, slice_done(index))
        assert world.job(world.launcher.tasks[-1]).failures == 0
    assert world.recording(recording).status is RecordingStatus.PROCESSING


def test_the_end_of_an_old_attempt_is_no_news(world: World) -> None:
    recording, old = world.launched()
    attempts.attempt_ended(world.core, old.job_id, old.attempt, "killed")
    attempts.launch_due(world.core)
    told = world.kinds(recording)
    attempts.attempt_ended(world.core, old.job_id, old.attempt, "killed")
    world.report(world.launcher.tasks[-1], *ATTEMPT)
    attempts.attempt_ended(world.core, old.job_id, 2, "exit after the work")
    assert world.kinds(recording)[: len(told)] == told
    assert world.recording(recording).status is RecordingStatus.COMPLETED
    attempts.attempt_ended(world.core, 10**6, 1, "never heard of")


def test_a_worker_may_ask_for_another_attempt(world: World) -> None:
    recording, task = world.launched()
    world.report(task, STARTED, Failed("Out of memory.", retry=True))
    assert world.recording(recording).status is RecordingStatus.PENDING
    assert attempts.launch_due(world.core) == 1


def test_a_launcher_that_is_away_for_an_hour_is_waited_for(world: World) -> None:
    recording = world.upload()
    world.launcher.refuse = "There is no machine."
    for _ in range(60):
        attempts.sweep(world.core)
        assert world.recording(recording).status is RecordingStatus.PENDING
        world.clock.pass_by(60)
    world.launcher.refuse = None
    attempts.sweep(world.core)
    (task,) = world.launcher.tasks
    world.report(task, *ATTEMPT)
    assert world.recording(recording).status is RecordingStatus.COMPLETED


def test_a_launcher_that_stays_away_is_the_end_with_its_reason(world: World) -> None:
    recording = world.upload()
    world.launcher.refuse = "There is no machine."
    attempts.sweep(world.core)
    world.clock.pass_by(world.limits.launch_patience + 60)
    attempts.sweep(world.core)
    failed = world.recording(recording)
    assert failed.status is RecordingStatus.FAILED
    assert failed.error_message == "The work could not be started for hours: There is no machine."


def test_a_job_that_has_failed_is_a_line_that_an_alarm_counts(world: World, caplog: pytest.LogCaptureFixture) -> None:
    _, task = world.launched()
    world.report(task, STARTED, Failed("This is not audio."))
    (line,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert (line.name, line.getMessage()) == (
        "hansard.jobs",
        f"job failed: job {task.job_id}, attempt 1: This is not audio.",
    )
    alarms = (ROOT / "infra" / "alarms.yml").read_text()
    assert '{ $.logger = "hansard.jobs" && $.message = "job failed:*" }' in alarms


def test_a_long_line_is_launched_in_steps(world: World) -> None:
    for _ in range(12):
        world.upload()
    assert [attempts.launch_due(world.core) for _ in range(4)] == [5, 5, 2, 0]


def test_one_launch_that_fails_does_not_keep_the_others(world: World) -> None:
    first, second = world.upload(), world.upload()
    world.launcher.refuse = "There is no machine."
    attempts.launch_due(world.core)
    world.launcher.refuse = None
    world.clock.pass_by(30)
    attempts.launch_due(world.core)
    assert {task.attempt for task in world.launcher.tasks} == {2}
    assert [world.recording(each).status.value for each in (first, second)] == ["processing"] * 2


def test_a_process_that_starts_takes_up_what_its_predecessor_left(world: World) -> None:
    recording, task = world.launched()
    world.report(task, STARTED, slice_done(0))
    attempts.recover(world.core)
    assert world.job(task).status is JobStatus.QUEUED
    assert not world.report(task, slice_done(1), first=2)
    attempts.launch_due(world.core)
    assert (world.launcher.tasks[-1].attempt, world.begin(world.launcher.tasks[-1]).done) == (2, (0,))
    assert world.recording(recording).status is RecordingStatus.PROCESSING


def test_a_restart_is_not_the_jobs_fault(world: World) -> None:
    _, task = world.launched()
    for _ in range(world.limits.max_attempts + 2):
        attempts.recover(world.core)
        assert attempts.launch_due(world.core) == 1
    assert world.job(task).failures == 1


@pytest.mark.parametrize("end", [jobs.pause, jobs.cancel])
def test_what_people_have_stopped_is_neither_swept_nor_recovered(world: World, end: object) -> None:
    recording, _ = world.launched()
    end(world.core, world.ann, recording.id)  # type: ignore[operator]
    world.clock.pass_by(10_000)
    attempts.recover(world.core)
    attempts.sweep(world.core)
    assert len(world.launcher.tasks) == 1


def test_only_what_is_out_of_the_ordinary_is_written_and_what_is_not_known_is_passed_over(world: World) -> None:
    recording, task = world.launched()
    world.report(task, *ATTEMPT)
    job = world.submit(recording, hotwords="Hansard", diarize=False)
    assert world.rows("SELECT options FROM jobs WHERE id = :id", id=job.id) == [
        ({"hotwords": "Hansard", "diarize": False},)
    ]
    world.rows("""UPDATE jobs SET options = options || '{"of_a_later_version": 1}' RETURNING id""")
    attempts.launch_due(world.core)
    assert world.launcher.tasks[-1].options == job.options
    assert ingest.brought(world.core, world.recording(recording)).options == job.options
