"""The life of a job: queued, launched under a lease, reported on, and ended; paused, resumed and cancelled by people.

Rows are the truth. Launching and cancelling happen after the commit; if a process dies in between, the lease runs
out and the sweep launches the job again, which then starts at the first slice that is missing.
"""

import logging
from datetime import timedelta

from shared.db import events, jobs, recordings, segments
from shared.db.database import Transaction
from shared.domain import events as kinds
from shared.domain.accounts import Caller
from shared.domain.errors import Conflict, NotFound, Unavailable
from shared.domain.jobs import Job, JobState, JobStatus
from shared.domain.recordings import Recording, RecordingStatus
from shared.domain.tasks import TranscribeOptions, TranscribeTask
from shared.domain.transcripts import SliceResult
from shared.services import access
from shared.services.access import Action
from shared.services.core import Core
from shared.services.recordings import check_options

logger = logging.getLogger("hansard.jobs")


def submit(core: Core, caller: Caller, recording_id: int, options: TranscribeOptions) -> Job:
    """Queues the transcription of a recording; one that is already open is returned as it is."""
    options = check_options(core, options)
    with core.db.begin() as tx:
        recording = recordings.by_id(tx, recording_id, lock=True)
        if recording is None:
            raise NotFound("There is no such recording.")
        access.check(caller, Action.PROCESS, recording)
        existing = jobs.open_job(tx, recording_id)
        if existing is not None:
            return existing
        recordings.change(tx, recording_id, status=RecordingStatus.PENDING, error_message=None)
        seq = events.append(tx, recording_id, [(kinds.JOB_QUEUED, {"percent": 0})])
        jobs.add(tx, recording_id, recording.user_id, options, first_seq=seq, not_before=core.now())
        job = jobs.open_job(tx, recording_id)
        assert job is not None
    core.kicks.kick()
    core.live.changed(recording_id)
    return job


def launch_due(core: Core) -> int:
    """Claims as many due jobs as the launcher has room for and launches them. Returns how many."""
    room = core.launcher.capacity()
    if room <= 0:
        return 0
    with core.db.begin() as tx:
        claimed = [_claim(core, job, tx) for job in jobs.claimable(tx, core.now(), limit=room)]
        tasks = [(job, _task(core, job, recording, jobs.done_slices(tx, job.id))) for job, recording in claimed]
    for job, task in tasks:
        core.live.changed(job.recording_id)
        try:
            _launch(core, job, task)
        except Unavailable as error:
            # The others may have more luck; this one's lease runs out and the sweep sees to it.
            logger.warning("the launch of job %s could not be noted: %s", job.id, error)
    return len(tasks)


def _claim(core: Core, job: Job, tx: Transaction) -> tuple[Job, Recording]:
    """A new attempt begins: whatever an older one still reports is ignored from here on."""
    jobs.change(
        tx,
        job.id,
        status=JobStatus.RUNNING,
        attempt=job.attempt + 1,
        failures=job.failures + 1,
        report_seq=-1,
        lease_until=core.now() + timedelta(seconds=core.limits.lease_seconds),
        launch_reference=None,
        started_at=core.now(),
    )
    recordings.change(tx, job.recording_id, status=RecordingStatus.PROCESSING)
    events.append(tx, job.recording_id, [(kinds.JOB_STARTED, {"attempt": job.attempt + 1, "percent": job.progress})])
    claimed, recording = jobs.locked(tx, job.id), recordings.by_id(tx, job.recording_id)
    assert claimed is not None and recording is not None
    return claimed, recording


def _task(core: Core, job: Job, recording: Recording, done: tuple[int, ...]) -> TranscribeTask:
    seconds = core.limits.task_seconds
    return TranscribeTask(
        job_id=job.id,
        attempt=job.attempt,
        audio_url=core.objects.download_url(recording.audio_key, seconds=seconds),
        callback_url=f"{core.callback_url}{job.id}",
        token=core.task_tokens.issue(job.id, seconds=seconds),
        options=job.options,
        done=done,
        lease_seconds=core.limits.lease_seconds,
    )


def _launch(core: Core, job: Job, task: TranscribeTask) -> None:
    try:
        reference = core.launcher.launch(task)
    except Unavailable as error:
        logger.warning("job %s could not be launched: %s", job.id, error)
        with core.db.begin() as tx:
            current = jobs.locked(tx, job.id)
            if current is not None and current.attempt == job.attempt and current.status is JobStatus.RUNNING:
                retry_or_fail(core, current, str(error), tx)
        core.live.changed(job.recording_id)
        return
    if not _note_launch(core, job, reference):
        # Paused, cancelled or deleted while it was on its way.
        core.launcher.cancel(reference)


def _note_launch(core: Core, job: Job, reference: str) -> bool:
    """Whether the attempt is still wanted. Raises Unavailable; then nobody could ever cancel the worker, so it ends."""
    try:
        with core.db.begin() as tx:
            current = jobs.locked(tx, job.id)
            wanted = current is not None and current.attempt == job.attempt and current.status is JobStatus.RUNNING
            if wanted:
                jobs.change(tx, job.id, launch_reference=reference)
            return wanted
    except Unavailable:
        core.launcher.cancel(reference)
        raise


def state(core: Core, job_id: int) -> JobState:
    """What a worker needs to go on where an earlier attempt ended. Raises NotFound."""
    with core.db.begin() as tx:
        job = jobs.by_id(tx, job_id)
        if job is None:
            raise NotFound("There is no such job.")
        if job.status is not JobStatus.RUNNING:
            return JobState(go_on=False)
        return JobState(go_on=True, seams=job.seams, diarization=jobs.diarization(tx, job_id))


def finished_slice(core: Core, job_id: int, index: int) -> SliceResult:
    """What an earlier attempt has found in one slice. Raises NotFound."""
    with core.db.begin() as tx:
        result = jobs.slice_result(tx, job_id, index)
    if result is None:
        raise NotFound("There is no such slice.")
    return result


def pause(core: Core, caller: Caller, recording_id: int) -> None:
    """Stops the work and keeps what is finished. Raises Conflict when there is nothing to pause."""
    job = _stop(core, caller, recording_id, JobStatus.PAUSED, (JobStatus.QUEUED, JobStatus.RUNNING))
    _withdraw(core, job)


def cancel(core: Core, caller: Caller, recording_id: int) -> None:
    """Stops the work for good. An earlier transcript of the recording stays."""
    job = _stop(
        core, caller, recording_id, JobStatus.CANCELLED, (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.PAUSED)
    )
    _withdraw(core, job)


def resume(core: Core, caller: Caller, recording_id: int) -> None:
    """Queues a paused job again. Raises Conflict when it is not paused."""
    with core.db.begin() as tx:
        job = _open_job(tx, caller, recording_id, (JobStatus.PAUSED,))
        jobs.change(tx, job.id, status=JobStatus.QUEUED, failures=0, not_before=core.now())
        events.append(tx, recording_id, [(kinds.JOB_QUEUED, {"percent": job.progress})])
    core.kicks.kick()
    core.live.changed(recording_id)


def _stop(core: Core, caller: Caller, recording_id: int, to: JobStatus, allowed: tuple[JobStatus, ...]) -> Job:
    with core.db.begin() as tx:
        job = _open_job(tx, caller, recording_id, allowed)
        if to is JobStatus.PAUSED:
            jobs.change(tx, job.id, status=to, lease_until=None)
            recordings.change(tx, recording_id, status=RecordingStatus.PENDING)
            events.append(tx, recording_id, [(kinds.JOB_PAUSED, {"percent": job.progress})])
        else:
            _end_without_result(core, job, to, "Cancelled.", tx)
    return job


def _open_job(tx: Transaction, caller: Caller, recording_id: int, allowed: tuple[JobStatus, ...]) -> Job:
    job = jobs.open_job(tx, recording_id, lock=True)
    recording = recordings.by_id(tx, recording_id)
    if recording is None:
        raise NotFound("There is no such recording.")
    access.check(caller, Action.PROCESS, recording)
    if job is None or job.status not in allowed:
        state = "not being processed" if job is None else job.status.value
        raise Conflict(f"The recording is {state}.")
    return job


def _withdraw(core: Core, job: Job) -> None:
    if job.launch_reference:
        core.launcher.cancel(job.launch_reference)
    # The launcher has room again.
    core.kicks.kick()
    core.live.changed(job.recording_id)


def sweep(core: Core) -> None:
    """Finds what a lost kick or a dead worker left behind. Called about once a minute, or oftener."""
    with core.db.begin() as tx:
        lost = jobs.expired(tx, core.now())
        for job in lost:
            retry_or_fail(core, job, "The worker stopped answering.", tx)
    for job in lost:
        if job.launch_reference:
            core.launcher.cancel(job.launch_reference)
        core.live.changed(job.recording_id)
    launch_due(core)


def attempt_ended(core: Core, job_id: int, attempt: int, reason: str) -> None:
    """For launchers that see a worker end: if its attempt is still the running one, it need not wait for its lease."""
    with core.db.begin() as tx:
        job = jobs.locked(tx, job_id)
        unfinished = job is not None and job.status is JobStatus.RUNNING and job.attempt == attempt
        if job is not None and unfinished:
            retry_or_fail(core, job, reason, tx)
    if job is not None and unfinished:
        core.live.changed(job.recording_id)
    core.kicks.kick()


def recover(core: Core) -> None:
    """Queues every running job again: for a process that starts and whose workers ended with its predecessor."""
    with core.db.begin() as tx:
        for job in jobs.running(tx):
            # Not the job's fault: the attempt does not count as a failed one.
            _queue_again(core, job, tx, failures=max(0, job.failures - 1), delay=0)


def retry_or_fail(core: Core, job: Job, reason: str, tx: Transaction) -> None:
    """After an attempt that went wrong: another one, or the end if `max_attempts` in a row finished nothing."""
    if job.failures >= core.limits.max_attempts:
        reason = f"{reason.rstrip('.')}. Given up after {job.failures} attempts."
        _end_without_result(core, job, JobStatus.FAILED, reason, tx)
        return
    _queue_again(core, job, tx, failures=job.failures, delay=_delay(job.failures))


def fail(core: Core, job: Job, reason: str, tx: Transaction) -> None:
    """The end of a job that no other attempt could save."""
    _end_without_result(core, job, JobStatus.FAILED, reason, tx)


def _queue_again(core: Core, job: Job, tx: Transaction, *, failures: int, delay: float) -> None:
    jobs.change(
        tx,
        job.id,
        status=JobStatus.QUEUED,
        failures=failures,
        lease_until=None,
        launch_reference=None,
        not_before=core.now() + timedelta(seconds=delay),
    )
    recordings.change(tx, job.recording_id, status=RecordingStatus.PENDING)
    events.append(tx, job.recording_id, [(kinds.JOB_QUEUED, {"percent": job.progress})])


def _delay(failures: int) -> float:
    """Seconds before the next attempt: at once after the first failure, then 2, 4, 8, … up to a minute."""
    return 0.0 if failures <= 1 else min(60.0, 2.0 ** (failures - 1))


def _end_without_result(core: Core, job: Job, status: JobStatus, reason: str, tx: Transaction) -> None:
    recording = recordings.by_id(tx, job.recording_id)
    assert recording is not None
    jobs.change(tx, job.id, status=status, error_message=reason, lease_until=None, finished_at=core.now())
    jobs.forget_work(tx, [job.id])
    segments.drop(tx, job.id)
    keeps_transcript = status is JobStatus.CANCELLED and recording.has_transcript
    recordings.change(
        tx,
        job.recording_id,
        status=RecordingStatus.COMPLETED if keeps_transcript else RecordingStatus.FAILED,
        error_message=None if keeps_transcript else reason,
    )
    events.append(tx, job.recording_id, [(kinds.FAILED, {"reason": reason, "percent": job.progress})])
