"""The life of a job as people see it: submitted, paused, resumed and cancelled. What workers do is in attempts.py."""

from shared.db import events, jobs, recordings
from shared.db.database import Transaction
from shared.domain import events as kinds
from shared.domain.accounts import Caller
from shared.domain.errors import Conflict, NotFound
from shared.domain.jobs import Job, JobStatus
from shared.domain.recordings import RecordingStatus
from shared.domain.tasks import TranscribeOptions
from shared.services import access
from shared.services.access import Action
from shared.services.attempts import end_without_result
from shared.services.core import Core
from shared.services.recordings import check_options


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
            end_without_result(core, job, to, "Cancelled.", tx)
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
