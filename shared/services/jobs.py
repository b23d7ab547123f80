"""The life of a job as people see it: submitted, paused, resumed and cancelled. What workers do is in attempts.py."""

from collections.abc import Callable
from dataclasses import asdict, replace

from shared.db import events, jobs, recordings, usage
from shared.db.database import Transaction
from shared.domain import events as kinds
from shared.domain.accounts import Caller, Preferences
from shared.domain.errors import Conflict, Forbidden, Invalid
from shared.domain.jobs import Job, JobKind, JobStatus
from shared.domain.recordings import Recording, RecordingStatus, clean_text
from shared.domain.tasks import TranscribeOptions
from shared.domain.usage import NO_BUDGET
from shared.services import access, defaults, idempotency
from shared.services.access import Action
from shared.services.core import Core
from shared.services.defaults import Surroundings
from shared.services.endings import end_without_result
from shared.services.found import found
from shared.services.ingest import check_options


def submit(
    core: Core, caller: Caller, recording_id: int, options: TranscribeOptions, idempotency_key: str | None = None
) -> Job:
    """Queues the transcription of a recording; one that is already open is returned as it is.

    Raises Invalid when its audio is gone, Conflict while a summary is written.
    """
    purpose = transcription(recording_id, options)
    options = _as_asked(core, options)

    def make() -> Job:
        if recording.audio_deleted_at is not None:
            raise Invalid("The audio of this recording has been deleted.")
        return _open_or_new(core, tx, recording, JobKind.TRANSCRIBE, options)

    with core.db.begin() as tx:
        recording = _to_process(tx, caller, recording_id)
        return _once(core, tx, caller, idempotency_key, purpose, make)


def submit_summary(
    core: Core, caller: Caller, recording_id: int, prompt: str | None, idempotency_key: str | None = None
) -> Job:
    """Queues another summary of a transcript; one that is already open is returned as it is.

    Without a `prompt` that of the tags, the folder or the owner counts. Raises Invalid when there is no transcript,
    Forbidden when the budget is used up, Conflict while the recording is transcribed.
    """
    purpose = summary(recording_id, prompt)
    prompt = clean_text("custom_prompt", prompt)

    def make() -> Job:
        if not recording.has_transcript:
            raise Invalid("The recording has no transcript yet.")
        budget = usage.budgets(tx, [recording.user_id], core.now()).get(recording.user_id, NO_BUDGET)
        if budget.tokens_refusal:
            raise Forbidden(budget.tokens_refusal)
        options = TranscribeOptions(summary_prompt=prompt)
        return _open_or_new(core, tx, recording, JobKind.SUMMARIZE, options)

    with core.db.begin() as tx:
        recording = _to_process(tx, caller, recording_id)
        return _once(core, tx, caller, idempotency_key, purpose, make)


def transcription(recording_id: int, options: TranscribeOptions) -> str:
    """What an Idempotency-Key of `submit` is for."""
    return idempotency.purpose("transcribe", recording_id, asdict(options))


def summary(recording_id: int, prompt: str | None) -> str:
    """What an Idempotency-Key of `submit_summary` is for."""
    return idempotency.purpose("summarize", recording_id, prompt)


def _once(core: Core, tx: Transaction, caller: Caller, key: str | None, purpose: str, make: Callable[[], Job]) -> Job:
    """What the key has made before, as it is now, or what `make` makes of it."""
    made = idempotency.claim(core, tx, caller.user_id, key, purpose)
    job = make() if made is None else jobs.by_id(tx, made)
    # Jobs go with their recording only, and that is there.
    assert job is not None
    idempotency.settle(tx, caller.user_id, key, job.id)
    return job


def _as_asked(core: Core, options: TranscribeOptions) -> TranscribeOptions:
    """In normal form, with the server's defaults; a language that is given empty is to be found out."""
    asked = check_options(core, options)
    found = defaults.of_upload(core.policy, asked, Surroundings(Preferences()))
    return found if options.language is None else replace(found, language=asked.language)


def _to_process(tx: Transaction, caller: Caller, recording_id: int) -> Recording:
    recording = found(recordings.by_id(tx, recording_id, lock=True), "recording")
    access.check(caller, Action.PROCESS, recording)
    return recording


_AT_WORK = {
    JobKind.TRANSCRIBE: "The recording is being transcribed; a summary is written then.",
    JobKind.SUMMARIZE: "A summary of the recording is being written; wait for it, or cancel it.",
}


def _open_or_new(core: Core, tx: Transaction, recording: Recording, kind: JobKind, options: TranscribeOptions) -> Job:
    """The open job of a recording, whose row is locked, or a new one. Raises Conflict when that is of another kind."""
    existing = jobs.open_job(tx, recording.id)
    if existing is not None:
        if existing.kind is not kind:
            raise Conflict(_AT_WORK[existing.kind])
        return existing
    options = defaults.of_summary(tx, recording.id, recording.user_id, options)
    summary = kind is JobKind.SUMMARIZE
    status = RecordingStatus.SUMMARIZING if summary else RecordingStatus.PENDING
    recordings.change(tx, recording.id, status=status, error_message=None)
    seq = events.append(tx, recording.id, [(kinds.JOB_QUEUED, {"percent": 0})])
    jobs.add(tx, recording.id, recording.user_id, options, first_seq=seq, not_before=core.now(), kind=kind)
    job = jobs.open_job(tx, recording.id)
    assert job is not None
    core.db.after_commit(tx, core.kicks.kick)
    core.db.after_commit(tx, lambda: core.live.changed(recording.id))
    return job


def pause(core: Core, caller: Caller, recording_id: int) -> None:
    """Stops the work and keeps what is finished. Raises Conflict when there is nothing to pause, or it is a summary."""
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
            if job.kind is JobKind.SUMMARIZE:
                raise Conflict("A summary cannot be paused; it can be cancelled.")
            jobs.change(tx, job.id, status=to, lease_until=None)
            recordings.change(tx, recording_id, status=RecordingStatus.PENDING)
            events.append(tx, recording_id, [(kinds.JOB_PAUSED, {"percent": job.progress})])
        else:
            end_without_result(core, job, to, "Cancelled.", tx)
    return job


def _open_job(tx: Transaction, caller: Caller, recording_id: int, allowed: tuple[JobStatus, ...]) -> Job:
    job = jobs.open_job(tx, recording_id, lock=True)
    recording = found(recordings.by_id(tx, recording_id), "recording")
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
