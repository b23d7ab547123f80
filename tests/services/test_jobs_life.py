"""Submitting, launching, pausing, resuming and cancelling."""

import pytest

from shared.domain import events as kinds
from shared.domain.errors import Conflict, Forbidden, NotFound
from shared.domain.jobs import JobStatus
from shared.domain.recordings import RecordingStatus
from shared.domain.tasks import TranscribeOptions
from shared.services import attempts, jobs, recordings
from tests.support.world import ATTEMPT, STARTED, World, segments, slice_done


def test_an_upload_is_queued_and_launched(world: World) -> None:
    recording, task = world.launched()
    assert task.attempt == 1
    assert task.callback_url == f"http://here/jobs/{task.job_id}"
    assert task.lease_seconds == world.limits.lease_seconds
    world.core.task_tokens.verify(task.token, task.job_id)
    assert world.recording(recording).status is RecordingStatus.PROCESSING
    assert world.kinds(recording) == [kinds.RECORDING_CREATED, kinds.JOB_QUEUED, kinds.JOB_STARTED]


def test_submitting_what_is_already_open_gives_the_open_job(world: World) -> None:
    recording, task = world.launched()
    assert world.submit(recording).id == task.job_id
    assert world.count("jobs") == 1


def test_a_job_is_launched_once(world: World) -> None:
    world.launched()
    assert attempts.launch_due(world.core) == 0
    assert len(world.launcher.tasks) == 1


def test_no_more_is_launched_than_there_is_room_for(world: World) -> None:
    world.launcher.room = 2
    for _ in range(5):
        world.upload()
    assert [attempts.launch_due(world.core), attempts.launch_due(world.core)] == [2, 0]


def test_a_paused_job_stops_and_goes_on_at_the_first_missing_slice(world: World) -> None:
    recording, task = world.launched()
    world.report(task, STARTED, slice_done(0))
    jobs.pause(world.core, world.ann, recording.id)
    assert world.launcher.cancelled == [f"{task.job_id}.1"]
    assert not world.report(task, slice_done(1), first=2)
    attempts.launch_due(world.core)
    assert len(world.launcher.tasks) == 1, "a paused job must not be launched"
    jobs.resume(world.core, world.ann, recording.id)
    attempts.launch_due(world.core)
    assert (world.launcher.tasks[-1].attempt, world.begin(world.launcher.tasks[-1]).done) == (2, (0,))
    assert world.kinds(recording)[-3:] == [kinds.JOB_PAUSED, kinds.JOB_QUEUED, kinds.JOB_STARTED]


def test_a_queued_job_can_be_paused_and_cancelled(world: World) -> None:
    recording = world.upload()
    jobs.pause(world.core, world.ann, recording.id)
    jobs.cancel(world.core, world.ann, recording.id)
    assert attempts.launch_due(world.core) == 0
    assert world.recording(recording).error_message == "Cancelled."


def test_a_cancelled_job_leaves_neither_slices_nor_segments(world: World) -> None:
    recording, task = world.launched()
    world.report(task, *ATTEMPT[:5])
    jobs.cancel(world.core, world.ann, recording.id)
    assert not world.report(task, ATTEMPT[5], first=5)
    assert (world.count("slices"), world.count("segments")) == (0, 0)
    assert world.recording(recording).status is RecordingStatus.FAILED
    assert world.kinds(recording)[-1] == kinds.FAILED


@pytest.mark.parametrize("act", [jobs.pause, jobs.resume, jobs.cancel])
@pytest.mark.parametrize("done", [True, False])
def test_what_is_not_at_work_cannot_be_stopped(world: World, act: object, *, done: bool) -> None:
    recording, task = world.launched()
    world.report(task, *ATTEMPT) if done else jobs.cancel(world.core, world.ann, recording.id)
    with pytest.raises(Conflict):
        act(world.core, world.ann, recording.id)  # type: ignore[operator]


def test_only_a_paused_job_can_be_resumed(world: World) -> None:
    recording = world.upload()
    with pytest.raises(Conflict):
        jobs.resume(world.core, world.ann, recording.id)
    jobs.pause(world.core, world.ann, recording.id)
    with pytest.raises(Conflict):
        jobs.pause(world.core, world.ann, recording.id)


@pytest.mark.parametrize("act", [jobs.pause, jobs.resume, jobs.cancel])
def test_strangers_may_not_touch_a_job(world: World, act: object) -> None:
    recording = world.upload()
    with pytest.raises(Forbidden):
        act(world.core, world.user("bob"), recording.id)  # type: ignore[operator]
    with pytest.raises(NotFound):
        act(world.core, world.ann, recording.id + 1000)  # type: ignore[operator]
    with pytest.raises(Forbidden):
        jobs.submit(world.core, world.user("bob"), recording.id, TranscribeOptions())


def test_a_job_that_is_cancelled_while_it_is_launched_is_ended(world: World) -> None:
    recording = world.upload()
    world.launcher.on_launch = lambda: jobs.cancel(world.core, world.ann, recording.id)
    attempts.launch_due(world.core)
    assert world.launcher.running == {}


def test_a_recording_that_is_deleted_while_its_job_is_launched_is_ended(world: World) -> None:
    recording = world.upload()
    world.launcher.on_launch = lambda: recordings.delete(world.core, world.ann, recording.id)
    attempts.launch_due(world.core)
    assert world.launcher.running == {}


def test_deleting_at_work_leaves_nothing(world: World) -> None:
    recording, task = world.launched()
    world.report(task, *ATTEMPT[:6])
    recordings.delete(world.core, world.ann, recording.id)
    for table in ("recordings", "jobs", "slices", "segments", "events", "participants", "connections"):
        assert world.count(table) == 0, table
    assert world.store.objects == {}
    assert world.launcher.running == {}
    assert not world.report(task, slice_done(2), first=6)
    with pytest.raises(NotFound):
        world.begin(task)


def test_a_new_transcription_keeps_the_old_one_until_it_is_complete(world: World) -> None:
    recording, task = world.launched()
    world.report(task, *ATTEMPT)
    world.submit(recording)
    attempts.launch_due(world.core)
    again = world.launcher.tasks[-1]
    world.report(again, STARTED, slice_done(0), segments(0, text="New."))
    assert _texts(world, recording) == ["Hello."] * 4
    jobs.cancel(world.core, world.ann, recording.id)
    assert world.recording(recording).status is RecordingStatus.COMPLETED
    assert _texts(world, recording) == ["Hello."] * 4
    world.submit(recording)
    attempts.launch_due(world.core)
    world.report(world.launcher.tasks[-1], STARTED, segments(0, text="New."), ATTEMPT[-1])
    assert _texts(world, recording) == ["New."]
    assert world.count("segments") == 1


def _texts(world: World, recording: object) -> list[str]:
    from shared.services import transcripts

    return [segment.text for segment in transcripts.get(world.core, world.ann, recording.id).segments]  # type: ignore[attr-defined]


def test_the_sequence_of_a_jobs_states_is_told(world: World) -> None:
    recording, task = world.launched()
    assert world.job(task).status is JobStatus.RUNNING
    world.report(task, *ATTEMPT)
    assert world.job(task).status is JobStatus.COMPLETED
    assert world.kinds(recording)[-2:] == [kinds.SUMMARIZING, kinds.COMPLETED]
