"""A new summary is a job like any other, and touches nothing but the summary."""

from dataclasses import replace
from typing import Any

import pytest

from shared.domain import events as kinds
from shared.domain.errors import Conflict, Forbidden, Invalid, NotFound
from shared.domain.jobs import Job, JobStatus
from shared.domain.recordings import Recording, RecordingStatus
from shared.domain.tasks import Completed, Failed, Progress, Started, Summarizing, TranscribeTask
from shared.domain.transcripts import Segment, Summary
from shared.services import attempts, jobs, recordings, transcripts
from tests.support.world import ATTEMPT, STARTED, World, segments


def transcribed(world: World, title: str = "") -> Recording:
    recording, task = world.launched(title=title)
    world.report(task, *ATTEMPT)
    return world.recording(recording)


def submit(world: World, recording: Recording, prompt: str | None = None) -> Job:
    return jobs.submit_summary(world.core, world.ann, recording.id, prompt)


def launched(world: World, recording: Recording, prompt: str | None = None) -> TranscribeTask:
    submit(world, recording, prompt)
    attempts.launch_due(world.core)
    return world.launcher.tasks[-1]


def written(text: str = "Another one.", title: str = "Another title", **more: Any) -> Completed:
    return Completed("en", Summary(title, text, (), (), (), "nano-7b"), 0.0, 2.0, **more)


def summary_of(world: World, recording: Recording) -> str | None:
    return recordings.texts(world.core, world.ann, recording.id)[2].text


def test_it_waits_as_summarizing_and_goes_out_without_audio(world: World) -> None:
    recording = transcribed(world)
    job = submit(world, recording, "Only the numbers.")
    assert world.recording(recording).status is RecordingStatus.SUMMARIZING
    assert recordings.status(world.core, world.ann, recording.id).queue_position == 1
    attempts.launch_due(world.core)
    task = world.launcher.tasks[-1]
    assert (task.job_id, task.kind, task.version, task.audio_url) == (job.id, "summarize", 2, "")
    assert task.options.summary_prompt == "Only the numbers."
    assert recording.meeting_date is not None
    assert task.recorded_at == recording.meeting_date.isoformat()
    assert world.recording(recording).status is RecordingStatus.SUMMARIZING


def test_a_transcription_goes_to_workers_that_know_no_other_job(world: World) -> None:
    _, task = world.launched()
    assert (task.kind, task.version) == ("transcribe", 1)


def test_its_end_touches_only_the_summary(world: World) -> None:
    recording = transcribed(world)
    before = transcripts.get(world.core, world.ann, recording.id)
    task = launched(world, recording)
    world.begin(task)
    assert world.report(task, Summarizing(), written())
    after = world.recording(recording)
    assert (summary_of(world, recording), after.title) == ("Another one.", "Another title")
    assert (after.status, after.summarization_seconds) == (RecordingStatus.COMPLETED, 2.0)
    same = replace(after, title=recording.title, last_seq=recording.last_seq, summarization_seconds=0.0)
    assert same == recording
    assert transcripts.get(world.core, world.ann, recording.id).segments == before.segments
    assert world.kinds(recording)[-4:] == [
        kinds.JOB_QUEUED,
        kinds.JOB_STARTED,
        kinds.SUMMARIZING,
        kinds.SUMMARIZED,
    ]
    assert world.job(task).status is JobStatus.COMPLETED


def test_a_title_that_a_person_has_given_stays(world: World) -> None:
    recording = transcribed(world, title="Mine")
    world.report(launched(world, recording), Summarizing(), written())
    assert world.recording(recording).title == "Mine"


def test_a_summary_that_fails_hurts_nothing_and_says_why(world: World) -> None:
    recording = transcribed(world)
    old = summary_of(world, recording)
    for _ in range(2):
        world.report(launched(world, recording), Summarizing(), Failed("The model is gone."))
        failed = world.recording(recording)
        assert (failed.status, failed.error_message) == (RecordingStatus.COMPLETED, None)
        assert failed.warnings == ("The summary could not be written: The model is gone.",)
        assert summary_of(world, recording) == old
        assert world.kinds(recording)[-1] == kinds.SUMMARY_FAILED
    world.report(launched(world, recording), Summarizing(), written())
    assert world.recording(recording).warnings == ()


def test_warnings_about_the_transcript_outlive_those_about_the_summary(world: World) -> None:
    recording, task = world.launched()
    warnings = ("Some words are guesses.", "The summary could not be written: busy")
    world.report(task, STARTED, segments(0), Completed("en", None, 1.0, warnings=warnings, summary_error="busy"))
    assert world.recording(recording).warnings == warnings
    world.report(launched(world, recording), Summarizing(), written(warnings=("The summary leaves its prompt out.",)))
    assert world.recording(recording).warnings == (warnings[0], "The summary leaves its prompt out.")


def test_an_open_one_is_not_queued_twice(world: World) -> None:
    recording = transcribed(world)
    first = submit(world, recording, "One")
    assert submit(world, recording, "Two").id == first.id


def test_one_kind_of_work_waits_for_the_other(world: World) -> None:
    recording = transcribed(world)
    submit(world, recording)
    with pytest.raises(Conflict, match="summary of the recording is being written"):
        world.submit(recording)
    jobs.cancel(world.core, world.ann, recording.id)
    world.submit(recording)
    with pytest.raises(Conflict, match="is being transcribed"):
        submit(world, recording)


def test_a_cancelled_one_leaves_the_old(world: World) -> None:
    recording = transcribed(world)
    task = launched(world, recording)
    jobs.cancel(world.core, world.ann, recording.id)
    assert not world.report(task, Summarizing())
    found = world.recording(recording)
    assert (found.status, found.warnings) == (RecordingStatus.COMPLETED, ())
    assert summary_of(world, recording) == "It was said."
    assert world.launcher.cancelled == [f"{task.job_id}.1"]


def test_it_cannot_be_paused(world: World) -> None:
    recording = transcribed(world)
    submit(world, recording)
    with pytest.raises(Conflict, match="cannot be paused"):
        jobs.pause(world.core, world.ann, recording.id)
    assert world.recording(recording).status is RecordingStatus.SUMMARIZING


def test_a_worker_that_dies_is_followed_by_another(world: World) -> None:
    recording = transcribed(world)
    old = launched(world, recording)
    world.clock.pass_by(61)
    attempts.sweep(world.core)
    new = world.launcher.tasks[-1]
    assert (new.attempt, new.kind) == (2, "summarize")
    assert world.recording(recording).status is RecordingStatus.SUMMARIZING
    assert not world.report(old, Summarizing())
    assert world.report(new, Summarizing(), written())
    assert summary_of(world, recording) == "Another one."


def test_a_worker_that_waits_for_another_attempt_leaves_it_summarizing(world: World) -> None:
    recording = transcribed(world)
    world.report(launched(world, recording), Failed("busy", retry=True))
    assert world.recording(recording).status is RecordingStatus.SUMMARIZING


def test_signs_of_life_are_welcome_and_segments_are_not(world: World) -> None:
    recording = transcribed(world)
    task = launched(world, recording)
    assert world.report(task, Progress("transcribing", 0.0))
    for body in (Started(1.0, (0.0, 1.0), "x"), segments(9), Completed("en", None, 0.0)):
        with pytest.raises(Invalid):
            world.report(task, body, first=1)
    assert world.count("segments") == 4
    assert world.report(task, Summarizing(), first=1)


def test_without_a_transcript_there_is_nothing_to_summarize(world: World) -> None:
    recording, _ = world.launched()
    with pytest.raises(Invalid, match="no transcript"):
        submit(world, recording)
    with pytest.raises(NotFound):
        jobs.submit_summary(world.core, world.ann, recording.id + 1, None)
    with pytest.raises(Forbidden):
        jobs.submit_summary(world.core, world.user("bob"), recording.id, None)


def test_the_prompt_is_that_of_the_tags_then_of_the_owner(world: World) -> None:
    recording = transcribed(world)
    world.rows('UPDATE users SET preferences = \'{"summary_prompt": "Mine", "output_language": "de"}\' RETURNING id')
    options = launched(world, recording).options
    assert (options.summary_prompt, options.output_language) == ("Mine", "de")
    jobs.cancel(world.core, world.ann, recording.id)
    world.rows(
        "WITH tag AS (INSERT INTO tags (user_id, name, color, custom_prompt) VALUES (:ann, 'x', '#000000', 'Tagged')"
        " RETURNING id) INSERT INTO recording_tags (recording_id, tag_id) SELECT :id, id FROM tag RETURNING id",
        ann=world.ann.user_id,
        id=recording.id,
    )
    assert launched(world, recording).options.summary_prompt == "Tagged"


def test_a_prompt_that_no_database_keeps_is_refused(world: World) -> None:
    recording = transcribed(world)
    for bad in ("\x00", "\ud800", "x" * 200_000):
        with pytest.raises(Invalid):
            submit(world, recording, bad)


# What the worker reads


def page(world: World, task: TranscribeTask, after: int = -1) -> Any:
    return attempts.transcript_page(world.core, task.job_id, after)


def test_the_worker_reads_the_transcript_with_the_names_that_people_see(world: World) -> None:
    recording = transcribed(world)
    world.rows(
        "INSERT INTO participants (recording_id, name, speaker) VALUES (:id, 'Ruth', 0) RETURNING id", id=recording.id
    )
    task = launched(world, recording)
    found = page(world, task)
    assert [segment.text for segment in found.segments] == ["Hello."] * 4
    assert (found.names, found.language, found.more) == ({0: "Ruth"}, "en", False)
    assert [segment.position for segment in page(world, task, 1).segments] == [2, 3]
    assert page(world, task, 10**6).segments == ()


def test_a_long_transcript_comes_in_pages_that_a_lambda_can_answer(world: World) -> None:
    from shared import wire

    recording, task = world.launched()
    long = [Segment(i, float(i), i + 1.0, '"é' * 40_000, 0) for i in range(40)]
    world.report(task, STARTED)
    for seq in range(4):
        world.report(task, replace(segments(), segments=tuple(long[seq * 10 : seq * 10 + 10])), first=1 + seq)
    world.report(task, written(), first=5)
    reading = launched(world, recording)
    read: list[int] = []
    sizes = []
    more = True
    while more:
        found = page(world, reading, read[-1] if read else -1)
        sizes.append(len(wire.page_to_json(found)))
        read += [segment.position for segment in found.segments]
        more = found.more
    assert read == list(range(40))
    assert len(sizes) > 1
    assert max(sizes) < 4_500_000


def test_only_the_summary_at_work_may_be_read_for(world: World) -> None:
    recording = transcribed(world)
    submit(world, recording)
    (queued,) = world.rows("SELECT id FROM jobs WHERE kind = 'summarize'")
    with pytest.raises(NotFound):
        attempts.transcript_page(world.core, queued.id, -1)
    attempts.launch_due(world.core)
    task = world.launcher.tasks[-1]
    world.report(task, Summarizing(), written())
    for job_id in (task.job_id, world.launcher.tasks[0].job_id, 10**9):
        with pytest.raises(NotFound):
            attempts.transcript_page(world.core, job_id, -1)
