"""What a worker reports becomes truth: once, in order, of the present attempt only."""

import pytest

from shared.domain import events as kinds
from shared.domain.errors import Conflict, Invalid
from shared.domain.jobs import JobStatus
from shared.domain.recordings import RecordingStatus
from shared.domain.tasks import Failed, Progress, ReportBody, Summarizing
from shared.services import attempts, recordings
from tests.support.world import ATTEMPT, DIARIZED, STARTED, World, completed, segments, slice_done


def test_every_kind_of_report_leaves_its_mark(world: World) -> None:
    recording, task = world.launched()
    assert world.report(task, *ATTEMPT)
    done = world.recording(recording)
    assert (done.status, done.language, done.model) == (RecordingStatus.COMPLETED, "en", "pocketsphinx")
    assert (done.audio_duration, done.title, done.has_summary) == (30.0, "A title of the summary", True)
    assert done.transcript_job_id == task.job_id
    assert world.count("segments") == 4
    assert world.count("slices") == 0, "what only a restart needs is dropped"
    told = world.kinds(recording)
    assert told[3:] == [
        kinds.JOB_PROGRESS,
        kinds.DIARIZED,
        kinds.JOB_PROGRESS,
        kinds.SEGMENT,
        kinds.SEGMENT,
        kinds.JOB_PROGRESS,
        kinds.SEGMENT,
        kinds.JOB_PROGRESS,
        kinds.SEGMENT,
        kinds.SUMMARIZING,
        kinds.COMPLETED,
    ]


@pytest.mark.parametrize("place", range(len(ATTEMPT)))
def test_a_report_sent_twice_is_recorded_once(world: World, place: int) -> None:
    recording, task = world.launched()
    world.report(task, *ATTEMPT[: place + 1])
    told, before = world.kinds(recording), world.job(task)
    again = world.report(task, ATTEMPT[place], first=place)
    assert again is (place < len(ATTEMPT) - 1), "after the end there is nothing to go on with"
    assert (world.kinds(recording), world.job(task)) == (told, before)


def test_a_report_that_overtakes_another_is_refused(world: World) -> None:
    recording, task = world.launched()
    world.report(task, STARTED)
    told = world.kinds(recording)
    with pytest.raises(Conflict):
        world.report(task, slice_done(0), first=2)
    assert world.kinds(recording) == told
    assert world.report(task, DIARIZED, slice_done(0), first=1)


@pytest.mark.parametrize("body", [STARTED, slice_done(1), segments(9), completed(), Failed("old", retry=True)])
def test_a_report_of_an_older_attempt_changes_nothing(world: World, body: ReportBody) -> None:
    recording, old = world.launched()
    world.report(old, STARTED, slice_done(0))
    attempts.attempt_ended(world.core, old.job_id, old.attempt, "killed")
    attempts.launch_due(world.core)
    told, before = world.kinds(recording), world.job(old)
    assert not world.report(old, body, first=2)
    assert not world.report(old, body, first=0)
    assert (world.kinds(recording), world.job(old)) == (told, before)


def test_a_second_attempt_begins_to_count_again_and_sends_what_is_missing(world: World) -> None:
    recording, old = world.launched()
    world.report(old, *ATTEMPT[:6])
    attempts.attempt_ended(world.core, old.job_id, old.attempt, "killed")
    attempts.launch_due(world.core)
    new = world.launcher.tasks[-1]
    state = world.begin(new)
    assert (state.go_on, state.attempt, state.done) == (True, 2, (0, 1))
    assert (state.seams, state.diarization) == (STARTED.seams, DIARIZED.diarization)
    assert attempts.finished_slice(world.core, new.job_id, 1) == slice_done(1).result
    world.report(new, STARTED, segments(0, 1), segments(2), slice_done(2), segments(3), Summarizing(), completed())
    told = world.kinds(recording)
    assert (told.count(kinds.SEGMENT), told.count(kinds.COMPLETED)) == (4, 1)
    assert world.count("segments") == 4


def test_a_slice_that_is_already_there_is_not_counted_again(world: World) -> None:
    _recording, task = world.launched()
    world.report(task, STARTED, slice_done(0), slice_done(0, "other"))
    assert world.job(task).slices_done == 1
    assert attempts.finished_slice(world.core, task.job_id, 0).words[0].text == "word"


def test_progress_never_falls_and_repeats_are_not_told(world: World) -> None:
    recording, task = world.launched()
    world.report(task, STARTED, Progress("transcribing", 0.5), Progress("transcribing", 0.2))
    assert world.job(task).progress == 50
    assert world.kinds(recording).count(kinds.JOB_PROGRESS) == 2
    assert recordings.status(world.core, world.ann, recording.id).progress == 50


def test_every_report_renews_the_lease(world: World) -> None:
    _, task = world.launched()
    first = world.job(task).lease_until
    world.clock.pass_by(50)
    world.report(task, Progress("transcribing", 0.0))
    later = world.job(task).lease_until
    assert first is not None and later is not None and (later - first).total_seconds() == 50


def test_a_given_title_is_never_overwritten(world: World) -> None:
    recording, task = world.launched(title="Mine")
    world.report(task, *ATTEMPT)
    assert world.recording(recording).title == "Mine"


def test_a_title_that_is_too_long_is_cut(world: World) -> None:
    recording, task = world.launched()
    world.report(task, STARTED, completed("x" * 500))
    assert len(world.recording(recording).title) == 200


def test_a_text_the_database_cannot_keep_is_refused_not_crashed_on(world: World) -> None:
    _recording, task = world.launched()
    world.report(task, STARTED)
    with pytest.raises(Invalid):
        world.report(task, segments(0, text="a NUL \x00 in it"), first=1)
    assert world.report(task, segments(0), first=1), "the number is still free"


def test_a_failure_that_no_attempt_could_mend_is_the_end(world: World) -> None:
    recording, task = world.launched()
    world.report(task, STARTED, slice_done(0), segments(0), Failed("The file holds no sound."))
    assert world.job(task).status is JobStatus.FAILED
    assert world.recording(recording).error_message == "The file holds no sound."
    assert (world.count("slices"), world.count("segments")) == (0, 0)


def test_everybody_who_watches_is_told_after_the_commit(world: World) -> None:
    recording, task = world.launched()
    world.live.changes.clear()
    world.report(task, STARTED, slice_done(0))
    assert world.live.changes == [recording.id, recording.id]


def test_the_end_of_a_job_makes_room_at_once(world: World) -> None:
    _, task = world.launched()
    before = world.kicks.count
    world.report(task, *ATTEMPT[:-1])
    assert world.kicks.count == before
    world.report(task, ATTEMPT[-1], first=len(ATTEMPT) - 1)
    assert world.kicks.count == before + 1
