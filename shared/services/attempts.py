"""Attempts at a job: launched under a lease, begun by a worker, reported on, ended, and made again.

Rows are the truth. Launching and cancelling happen after the commit; if a process dies in between, the lease runs
out and the sweep launches the job again, which then starts at the first slice that is missing.
"""

import logging
from dataclasses import replace
from datetime import timedelta

from shared.db import events, jobs, recordings, segments, usage
from shared.db.database import Transaction
from shared.domain import events as kinds
from shared.domain.errors import NotFound, Unauthenticated, Unavailable
from shared.domain.jobs import Job, JobKind, JobState, JobStatus
from shared.domain.recordings import Recording, RecordingStatus
from shared.domain.tasks import SUMMARIZING_VERSION, TRANSCRIBING_VERSION, Beginning, TranscribeTask, TranscriptPage
from shared.domain.transcripts import Segment, SliceResult
from shared.domain.usage import NO_BUDGET, Budget
from shared.domain.webhooks import WebhookEvent
from shared.services.core import Core
from shared.services.endings import end_without_result, fail
from shared.services.found import found
from shared.services.outbox import announce

logger = logging.getLogger("hansard.jobs")

#: Claimed together and launched one after the other: what a crash in between leaves waits for its lease, and a launcher
#: that does not answer takes 10 s for each.
_LAUNCHES_AT_ONCE = 5
_LAUNCH_AGAIN_SECONDS = 30.0
#: A Lambda answers 6 MB at most; JSON writes some characters as two, and a segment is more than its text.
_PAGE_SEGMENTS, _PAGE_BYTES, _SEGMENT_BYTES = 5_000, 2_500_000, 150


def launch_due(core: Core) -> int:
    """Claims due jobs, as many as the launcher has room for but not too many at once, and launches them.

    One whose owner's monthly budget is used up fails instead. Returns how many were launched or failed so: 0 when
    nothing was due, or when the launcher is away.
    """
    room = core.launcher.capacity()
    if room <= 0:
        return 0
    with core.db.begin() as tx:
        if core.limits.running_jobs is not None:
            room = min(room, core.limits.running_jobs - jobs.count_running(tx))
        if room <= 0:
            return 0
        room = min(room, _LAUNCHES_AT_ONCE)
        due = jobs.claimable(tx, core.now(), limit=room)
        recordings.lock_all(tx, [job.recording_id for job in due])
        budgets = usage.budgets(tx, {job.user_id for job in due}, core.now()) if due else {}
        refused = [job for job in due if _refuse(core, job, budgets.get(job.user_id, NO_BUDGET), tx)]
        tasks = [_claim(core, job, budgets.get(job.user_id, NO_BUDGET), tx) for job in due if job not in refused]
    for job in refused:
        core.live.changed(job.recording_id)
    launched = len(refused)
    for job, task in tasks:
        core.live.changed(job.recording_id)
        try:
            launched += _launch(core, job, task)
        except Unavailable as error:
            # The others may have more luck; this one's lease runs out and the sweep sees to it.
            logger.warning("the launch of job %s could not be noted: %s", job.id, error)
    return launched


def _refuse(core: Core, job: Job, budget: Budget, tx: Transaction) -> bool:
    """Ends a job that nobody has the budget for, and says whether it did."""
    reason = budget.transcription_refusal if job.kind is JobKind.TRANSCRIBE else budget.tokens_refusal
    if reason is not None:
        fail(core, job, reason, tx)
    return reason is not None


def _claim(core: Core, job: Job, budget: Budget, tx: Transaction) -> tuple[Job, TranscribeTask]:
    """A new attempt begins: whatever an older one still reports is ignored from here on."""
    jobs.change(
        tx,
        job.id,
        status=JobStatus.RUNNING,
        attempt=job.attempt + 1,
        failures=job.failures + 1,
        report_seq=-1,
        lease_until=core.now() + timedelta(seconds=core.limits.launch_seconds or core.limits.lease_seconds),
        launch_reference=None,
        launch_attempt=job.attempt + 1,
        worker=None,
        started_at=core.now(),
    )
    summary = job.kind is JobKind.SUMMARIZE
    at_work = RecordingStatus.SUMMARIZING if summary else RecordingStatus.PROCESSING
    recordings.change(tx, job.recording_id, status=at_work)
    events.append(tx, job.recording_id, [(kinds.JOB_STARTED, {"attempt": job.attempt + 1, "percent": job.progress})])
    claimed, recording = jobs.locked(tx, job.id), recordings.by_id(tx, job.recording_id)
    assert claimed is not None and recording is not None
    if job.attempt == 0 and not summary:
        said = {"recording_id": recording.id, "title": recording.title}
        announce(core, tx, recording.user_id, WebhookEvent.TRANSCRIPTION_STARTED, said)
    return claimed, _task(core, claimed, recording, budget)


def _task(core: Core, job: Job, recording: Recording, budget: Budget) -> TranscribeTask:
    seconds, summary = core.limits.task_seconds, job.kind is JobKind.SUMMARIZE
    # A transcript is worth having also when there are no tokens left for its summary.
    options = replace(job.options, summarize=False, extract_events=False) if budget.tokens_refusal else job.options
    return TranscribeTask(
        job_id=job.id,
        attempt=job.attempt,
        audio_url="" if summary else core.objects.download_url(recording.audio_key, seconds=seconds),
        callback_url=f"{core.callback_url}{job.id}",
        token=core.task_tokens.issue(job.id, seconds=seconds),
        options=options,
        lease_seconds=core.limits.lease_seconds,
        version=SUMMARIZING_VERSION if summary else TRANSCRIBING_VERSION,
        kind=job.kind.value,
        recorded_at=(recording.meeting_date or recording.created_at).isoformat(),
    )


def _launch(core: Core, job: Job, task: TranscribeTask) -> bool:
    """Whether work has begun. Raises Unavailable when that could not be noted."""
    try:
        reference = core.launcher.launch(task)
    except Unavailable as error:
        logger.warning("job %s could not be launched: %s", job.id, error)
        with core.db.begin() as tx:
            current = jobs.locked(tx, job.id)
            if current is not None and _is_launched(current, job.attempt):
                _wait_for_launcher(core, current, str(error), tx)
        core.live.changed(job.recording_id)
        return False
    if not _note_launch(core, job, reference):
        # Paused, cancelled or deleted while it was on its way.
        core.launcher.cancel(reference)
    return True


def _wait_for_launcher(core: Core, job: Job, reason: str, tx: Transaction) -> None:
    """That no work can be started is not the job's fault: it is tried again, for hours if need be."""
    if core.now() >= job.created_at + timedelta(seconds=core.limits.launch_patience):
        fail(core, job, f"The work could not be started for hours: {reason}", tx)
    else:
        _queue_again(core, job, tx, failures=max(0, job.failures - 1), delay=_LAUNCH_AGAIN_SECONDS)


def _note_launch(core: Core, job: Job, reference: str) -> bool:
    """Whether the attempt is still wanted. Raises Unavailable; then nobody could ever cancel the worker, so it ends."""
    try:
        with core.db.begin() as tx:
            current = jobs.locked(tx, job.id)
            wanted = current is not None and _is_launched(current, job.attempt)
            if wanted:
                jobs.change(tx, job.id, launch_reference=reference)
            return wanted
    except Unavailable:
        core.launcher.cancel(reference)
        raise


def _is_launched(job: Job, attempt: int) -> bool:
    """Whether the launch that made `attempt` is still the latest, whoever works for it by now."""
    return job.status is JobStatus.RUNNING and job.launch_attempt == attempt


def check_worker(core: Core, job_id: int, authorization: str) -> None:
    """Whether this is the header of a worker that holds the token of this job's task. Raises Unauthenticated."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("This needs the token of the task.")
    core.task_tokens.verify(token.strip(), job_id)


def begin(core: Core, job_id: int, beginning: Beginning) -> JobState:
    """A worker takes up its task, perhaps one that another worker has begun and died over. Raises NotFound.

    Asking again is fine: the same worker gets the same answer.
    """
    with core.db.begin() as tx:
        job = found(jobs.locked(tx, job_id), "job")
        if not _is_launched(job, beginning.attempt):
            return JobState(go_on=False)
        if job.worker not in (None, beginning.worker) and not _take_over(core, job, tx):
            state = JobState(go_on=False)
        else:
            lease = core.now() + timedelta(seconds=core.limits.lease_seconds)
            jobs.change(tx, job_id, worker=beginning.worker, lease_until=lease)
            job = jobs.by_id(tx, job_id)
            assert job is not None
            diarization = jobs.diarization(tx, job_id)
            done = jobs.done_slices(tx, job_id)
            state = JobState(go_on=True, attempt=job.attempt, seams=job.seams, done=done, diarization=diarization)
    core.live.changed(job.recording_id)
    return state


def _take_over(core: Core, job: Job, tx: Transaction) -> bool:
    """A new attempt without a launch: the platform has restarted the task. False when that was once too often."""
    if job.failures >= core.limits.max_attempts:
        retry_or_fail(core, job, "The worker was restarted again and again.", tx)
        return False
    jobs.change(tx, job.id, attempt=job.attempt + 1, failures=job.failures + 1, report_seq=-1)
    events.append(tx, job.recording_id, [(kinds.JOB_STARTED, {"attempt": job.attempt + 1, "percent": job.progress})])
    return True


def finished_slice(core: Core, job_id: int, index: int) -> SliceResult:
    """What an earlier attempt has found in one slice. Raises NotFound."""
    with core.db.begin() as tx:
        result = jobs.slice_result(tx, job_id, index)
    if result is None:
        raise NotFound("There is no such slice.")
    return result


def transcript_page(core: Core, job_id: int, after: int) -> TranscriptPage:
    """What the worker of a summary is to read: the segments behind the position `after` (-1: from the beginning).

    Raises NotFound also when the job writes no summary (any more).
    """
    with core.db.begin() as tx:
        job = jobs.by_id(tx, job_id)
        if job is None or job.kind is not JobKind.SUMMARIZE or job.status is not JobStatus.RUNNING:
            raise NotFound("There is no such summary at work.")
        recording = recordings.by_id(tx, job.recording_id)
        assert recording is not None and recording.transcript_job_id is not None
        found = segments.page(tx, recording.transcript_job_id, after, limit=_PAGE_SEGMENTS)
        names = recordings.speaker_names(tx, recording.id).names
    kept = _fitting(found)
    more = len(kept) < len(found) or len(found) == _PAGE_SEGMENTS
    return TranscriptPage(tuple(kept), names, recording.language, more)


def _fitting(found: list[Segment]) -> list[Segment]:
    """As many of the first as fit into one answer, but one at the least."""
    size = 0
    for place, segment in enumerate(found):
        size += len(segment.text.encode()) + _SEGMENT_BYTES
        if size > _PAGE_BYTES and place:
            return found[:place]
    return found


def sweep(core: Core) -> None:
    """Finds what a lost kick or a dead worker left behind. Called about once a minute, or oftener."""
    with core.db.begin() as tx:
        lost = jobs.expired(tx, core.now())
        recordings.lock_all(tx, [job.recording_id for job in lost])
        for job in lost:
            retry_or_fail(core, job, "The worker stopped answering.", tx)
    for job in lost:
        if job.launch_reference:
            core.launcher.cancel(job.launch_reference)
        core.live.changed(job.recording_id)
    while launch_due(core):
        pass


def attempt_ended(core: Core, job_id: int, attempt: int, reason: str) -> None:
    """For launchers that see a worker end: if its attempt is still the running one, it need not wait for its lease."""
    with core.db.begin() as tx:
        job = jobs.locked(tx, job_id)
        unfinished = job is not None and _is_launched(job, attempt)
        if job is not None and unfinished:
            retry_or_fail(core, job, reason, tx)
    if job is not None and unfinished:
        core.live.changed(job.recording_id)
    core.kicks.kick()


def recover(core: Core) -> None:
    """Queues every running job again: for a process that starts and whose workers ended with its predecessor."""
    with core.db.begin() as tx:
        running = jobs.running(tx)
        recordings.lock_all(tx, [job.recording_id for job in running])
        for job in running:
            # Not the job's fault: the attempt does not count as a failed one.
            _queue_again(core, job, tx, failures=max(0, job.failures - 1), delay=0)


def retry_or_fail(core: Core, job: Job, reason: str, tx: Transaction) -> None:
    """After an attempt that went wrong: another one, or the end if `max_attempts` in a row finished nothing."""
    if job.failures >= core.limits.max_attempts:
        reason = f"{reason.rstrip('.')}. Given up after {job.failures} attempts."
        end_without_result(core, job, JobStatus.FAILED, reason, tx)
        return
    _queue_again(core, job, tx, failures=job.failures, delay=_delay(job.failures))


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
    waiting = RecordingStatus.SUMMARIZING if job.kind is JobKind.SUMMARIZE else RecordingStatus.PENDING
    recordings.change(tx, job.recording_id, status=waiting)
    events.append(tx, job.recording_id, [(kinds.JOB_QUEUED, {"percent": job.progress})])


def _delay(failures: int) -> float:
    """Seconds before the next attempt: at once after the first failure, then 2, 4, 8, … up to a minute."""
    return 0.0 if failures <= 1 else min(60.0, 2.0 ** (failures - 1))
